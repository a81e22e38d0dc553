"""A service for decisions: python -m uvicorn app:app, with SKLEARN_HRC_POLICY=folder."""

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any

import open_inference
from answers import PROBLEMS, Answer, add_error_handlers
from errors import RequestError
from fastapi import Depends, FastAPI
from fastapi.responses import PlainTextResponse
from limits import Limits
from pydantic import BaseModel, ConfigDict, Field
from rows import row_schema
from service import Service
from settings import Settings
from token_check import check_token

Row = dict[str, Any]
DecisionId = Annotated[str, Field(min_length=1, max_length=200)]


class Question(BaseModel):
    """One row or many, who may get what, and ids by which outcomes are joined."""

    model_config = ConfigDict(extra="forbid")
    rows: Row | list[Row]
    eligible: list[str | int | float] | None = None
    decision_id: DecisionId | list[DecisionId] | None = None


class NewBudget(BaseModel):
    """A mean cost per individual."""

    model_config = ConfigDict(extra="forbid")
    budget: Annotated[float, Field(strict=True, allow_inf_nan=False)]


def make_app(settings: Settings) -> FastAPI:
    """Load the policy, and make the application."""
    service = Service(settings)
    app = FastAPI(title="Decisions", version=service.policy.policy_version, lifespan=_lifespan)
    app.state.service = service
    app.add_middleware(
        Limits,
        max_bytes=settings.max_bytes,
        body_seconds=settings.body_seconds,
        figures=service.figures,
    )
    add_error_handlers(app)
    app.include_router(open_inference.router)
    _add_decisions(app, service)
    _add_administration(app, service)
    _describe_rows(app, service)
    return app


@asynccontextmanager
async def _lifespan(app):
    """Synchronise the log in quiet times, and close it at the end."""
    service = app.state.service

    async def synchronise():
        while True:
            await asyncio.sleep(max(service.settings.log_seconds, 0.05))
            await asyncio.to_thread(service.sync_log)

    task = asyncio.create_task(synchronise())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    service.close()


def _add_decisions(app, service):
    @app.post("/decide", responses=PROBLEMS)
    def decide(question: Question) -> Answer:
        """Decide for one row or many, by one budget."""
        one = isinstance(question.rows, dict)
        rows = [question.rows] if one else question.rows
        ids, decisions = service.decide(rows, question.eligible, _ids(question, len(rows)))
        names = ("decision_id", "treatment", "propensity", "cluster", "explored")
        columns = (column.tolist() for column in decisions[:4])
        return Answer(
            {
                "decisions": [dict(zip(names, values)) for values in zip(ids, *columns)],
                "budget": decisions.budget,
                "policy_version": decisions.policy_version,
            }
        )

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics() -> str:
        """Return figures for Prometheus."""
        return service.metrics()


def _ids(question, n_rows):
    """Return an id for each row, or None where the service makes them."""
    ids = question.decision_id
    if ids is None:
        return None
    ids = [ids] if isinstance(ids, str) else ids
    if len(ids) != n_rows or len(set(ids)) != n_rows:
        raise RequestError(
            422,
            f"decision_id is expected to hold {n_rows} ids that differ, one a row, got "
            f"{len(ids)}, of which {len(set(ids))} differ.",
            "decision_id",
        )
    return ids


def _add_administration(app, service):
    @app.get("/budget")
    def budget() -> Answer:
        """Return the budget in use, and those that there are plans for."""
        return Answer(service.budget())

    guarded = {"dependencies": [Depends(check_token)], "responses": PROBLEMS}

    @app.put("/budget", **guarded)
    def set_budget(new: NewBudget) -> Answer:
        """Use another budget."""
        return Answer(service.set_budget(new.budget))

    @app.post("/reload", **guarded)
    def reload() -> Answer:
        """Read the folder again."""
        return Answer(service.reload())


def _describe_rows(app, service):
    """Have the OpenAPI document name the features of the policy in use."""
    general = app.openapi

    def openapi():
        document = general()
        row = row_schema(service.policy)
        properties = document["components"]["schemas"]["Question"]["properties"]
        properties["rows"] = {"anyOf": [row, {"type": "array", "items": row, "minItems": 1}]}
        return document

    app.openapi = openapi


def __getattr__(name: str) -> Any:
    """Make `app` when uvicorn asks for it, so that tools may import this file."""
    if name == "app":
        return make_app(Settings.from_environment())
    raise AttributeError(name)
