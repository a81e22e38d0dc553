"""The part of the Open Inference Protocol that fits rows of a table.

An input is a feature. It has the shape [n] and one of the types FP64, INT64, BOOL and BYTES.
null in its data is a missing value.
"""

from typing import Annotated, Any

from answers import PROBLEMS, Answer
from errors import RequestError
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

__all__ = ["router"]

router = APIRouter(prefix="/v2", tags=["open inference"], responses=PROBLEMS)
_TYPES = {"FP64": (int, float), "INT64": (int,), "BOOL": (bool,), "BYTES": (str,)}
_OUTPUTS = ("treatment", "propensity", "decision_id")


class Tensor(BaseModel):
    """Values of a feature."""

    name: str
    shape: Annotated[list[int], Field(min_length=1, max_length=1)]
    datatype: str
    data: list[Any]
    parameters: dict[str, Any] = {}


class Wanted(BaseModel):
    """An output that is asked for."""

    name: str
    parameters: dict[str, Any] = {}


class Inference(BaseModel):
    """A request for decisions."""

    id: Annotated[str, Field(max_length=200)] | None = None
    inputs: Annotated[list[Tensor], Field(min_length=1)]
    outputs: list[Wanted] | None = None
    parameters: dict[str, Any] = {}


@router.get("/health/live")
def live() -> dict[str, bool]:
    """Say that the process answers."""
    return {"live": True}


@router.get("/health/ready")
def ready(request: Request) -> dict[str, Any]:
    """Say that decisions are made, and what goes wrong behind them."""
    return request.app.state.service.state()


@router.get("/models/{name}")
def metadata(name: str, request: Request) -> Answer:
    """Name inputs and outputs."""
    policy = _policy_of(name, request)
    inputs = [
        {"name": feature.name, "datatype": _type_of_feature(feature), "shape": [-1]}
        for feature in policy.features
    ]
    types = (_type_of(policy.treatments), "FP64", "BYTES")
    return Answer(
        {
            "name": name,
            "versions": [policy.policy_version],
            "platform": "sklearn-hrc",
            "inputs": inputs,
            "outputs": [
                {"name": output, "datatype": datatype, "shape": [-1]}
                for output, datatype in zip(_OUTPUTS, types)
            ],
        }
    )


@router.post("/models/{name}/infer")
def infer(name: str, inference: Inference, request: Request) -> Answer:
    """Decide for rows that come as columns."""
    _policy_of(name, request)
    wanted = [output.name for output in inference.outputs or []] or list(_OUTPUTS)
    if unknown := sorted(set(wanted) - set(_OUTPUTS)):
        raise RequestError(
            422, f"outputs is expected to be of {list(_OUTPUTS)}, got {unknown[0]!r}.", "outputs"
        )
    rows = _rows(inference.inputs)
    ids = None
    if inference.id:
        ids = [f"{inference.id}-{place}" for place in range(len(rows))]
    ids, decisions = request.app.state.service.decide(rows, None, ids)
    arms = decisions.treatment.tolist()
    columns = {
        "treatment": (_type_of(arms), arms),
        "propensity": ("FP64", decisions.propensity.tolist()),
        "decision_id": ("BYTES", ids),
    }
    outputs = [
        {"name": output, "datatype": columns[output][0], "shape": [len(rows)]}
        | {"data": columns[output][1]}
        for output in wanted
    ]
    answer = {"model_name": name, "model_version": decisions.policy_version, "outputs": outputs}
    given = {"id": inference.id} if inference.id else {}
    return Answer(answer | given | {"parameters": {"budget": decisions.budget}})


def _policy_of(name, request):
    service = request.app.state.service
    if name != service.settings.name:
        raise RequestError(
            404, f"name is expected to be {service.settings.name!r}, got {name!r}.", "name"
        )
    return service.policy


def _rows(inputs):
    """Turn columns into rows, and check what they say of themselves."""
    names = [tensor.name for tensor in inputs]
    for tensor in inputs:
        if names.count(tensor.name) > 1:
            raise RequestError(
                422, f"{tensor.name!r} is expected once in inputs, got it again.", tensor.name
            )
        _check_tensor(tensor, len(inputs[0].data))
    columns = (tensor.data for tensor in inputs)
    return [dict(zip(names, values)) for values in zip(*columns)]


def _check_tensor(tensor, n_rows):
    name, types = tensor.name, _TYPES.get(tensor.datatype)
    if types is None:
        raise RequestError(
            422,
            f"datatype of {name!r} is expected to be of {list(_TYPES)}, got {tensor.datatype!r}.",
            name,
        )
    if tensor.shape != [len(tensor.data)] or len(tensor.data) != n_rows:
        raise RequestError(
            422,
            f"{name!r} is expected to have the shape [{n_rows}] and as many values, got shape "
            f"{tensor.shape} and {len(tensor.data)} values.",
            name,
        )
    wrong = [value for value in tensor.data if value is not None and type(value) not in types]
    if wrong:
        raise RequestError(
            422,
            f"{name!r} is expected to hold values of {tensor.datatype}, got {wrong[0]!r}.",
            name,
        )


def _type_of_feature(feature):
    if feature.kind == "number":
        return "FP64"
    return "BYTES" if feature.kind == "date" else _type_of(list(feature.codes))


def _type_of(labels):
    """Return the narrowest type that holds all labels."""
    kinds = {type(label) for label in labels}
    for name in ("BYTES", "BOOL", "INT64"):
        if kinds <= set(_TYPES[name]):
            return name
    return "FP64"
