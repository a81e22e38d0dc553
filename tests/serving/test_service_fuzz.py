"""Whatever is sent to the service is answered, and never by a failure of the service."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("fastapi")
pytest.importorskip("httpx")
pytest.importorskip("onnxruntime")
pytest.importorskip("schemathesis")
pytest.importorskip("uvicorn")

import schemathesis
from helpers.service_process import TOKEN
from schemathesis import GenerationMode

ROW = {"country": "AT", "age": None, "plan": "free", "spend": 12.5}
FUZZED = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def statuses_of(service, operation, mode, max_examples):
    """Send what the document allows for an operation, or what it does not."""
    statuses = set()

    @settings(max_examples=max_examples, **FUZZED)
    @given(operation.as_strategy(generation_mode=mode))
    def send(case):
        if case.path_parameters:
            case.path_parameters["name"] = "policy"
        answer = case.call(base_url=str(service.base_url), headers=TOKEN)
        statuses.add(answer.status_code)
        assert answer.status_code < 500

    send()
    return statuses


def operations_of(service):
    """Return the operations of the document by what they are called."""
    schema = schemathesis.openapi.from_dict(service.get("/openapi.json").json())
    return {found.ok().label: found.ok() for found in schema.get_all_operations()}


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_all_operations_of_the_openapi_document(service, mode):
    operations = operations_of(service)
    found = {
        label: statuses_of(service, operation, mode, 50)
        for label, operation in operations.items()
        # Without a body there is nothing to send wrongly.
        if mode is GenerationMode.POSITIVE or operation.body
    }
    assert {"POST /decide", "PUT /budget", "POST /v2/models/{name}/infer"} <= set(found)
    assert (200 if mode is GenerationMode.POSITIVE else 422) in found["POST /decide"]
    assert 422 in found["PUT /budget"]


@settings(max_examples=60, **FUZZED)
@given(name=st.sampled_from([*ROW, "other"]), value=VALUES)
def test_rows_with_any_value(service, name, value):
    text = json.dumps({"rows": {**ROW, name: value}})
    answer = service.post("/decide", content=text, headers={"content-type": "application/json"})
    assert answer.status_code in (200, 422)
    if answer.status_code == 422:
        assert answer.json()["field"] == name


@settings(max_examples=40, **FUZZED)
@given(body=st.binary(max_size=200))
def test_bodies_of_any_bytes(service, body):
    for path in ("/decide", "/v2/models/policy/infer"):
        answer = service.post(path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422)
