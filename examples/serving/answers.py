"""What answers look like: JSON in ASCII, and one shape for every error."""

import json
from typing import Any

from errors import RequestError
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

__all__ = ["PROBLEMS", "Answer", "Problem", "add_error_handlers"]


class Answer(JSONResponse):
    """JSON that can be sent whatever text a request had in it."""

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


class Problem(BaseModel):
    """What is wrong, in one sentence, and with which field."""

    error: str
    field: str | None = None


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 408, 413, 422)
}


def add_error_handlers(app: FastAPI) -> None:
    """Have every error answered by a `Problem`."""

    @app.exception_handler(RequestError)
    async def refused(request, error):
        return _problem(error.status, str(error), error.field)

    @app.exception_handler(RequestValidationError)
    async def invalid(request, error):
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return _problem(422, "body is expected to be JSON, got something else.", "body")
        names = [str(part) for part in first["loc"] if part != "body"]
        field = names[0] if names else "body"
        return _problem(422, f"{field} is expected otherwise: {first['msg']}.", field)

    @app.exception_handler(HTTPException)
    async def http_error(request, error):
        return _problem(error.status_code, str(error.detail), None, error.headers)

    @app.exception_handler(Exception)
    async def internal(request, error):
        return _problem(500, "The service failed, and its log has the reason.", None)


def _problem(status, sentence, field, headers=None):
    return Answer({"error": sentence, "field": field}, status, headers)
