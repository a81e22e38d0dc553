"""Around all endpoints: size of bodies and time for them, time of decisions, errors by kind."""

import asyncio
import json
import time

from errors import RequestError
from prometheus import Figures

__all__ = ["Limits"]

_KINDS = {
    400: "unreadable",
    401: "token",
    403: "token",
    404: "unknown_path",
    405: "unknown_path",
    408: "too_slow",
    409: "reload",
    413: "too_large",
    422: "invalid_input",
}


class Limits:
    """ASGI middleware that reads a body whole before anything is made of it.

    Parameters
    ----------
    app : callable
        Application.
    max_bytes : int
        Largest body, whether its length is told or not.
    body_seconds : float
        Seconds within which a body has to come whole.
    figures : Figures
        Where times and errors are counted.
    """

    def __init__(self, app, *, max_bytes: int, body_seconds: float, figures: Figures) -> None:
        self._app, self._max_bytes, self._seconds = app, max_bytes, body_seconds
        self._figures = figures

    async def __call__(self, scope, receive, send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500
        body, refusal = b"", None
        try:
            body = await _body_within(scope, receive, self._max_bytes, self._seconds)
        except ConnectionError:
            # Half of a body is no question, and nobody is there to be answered.
            return
        except RequestError as error:
            refusal = error

        async def counted(message):
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            if refusal:
                await _refuse(counted, refusal)
            else:
                await self._app(scope, _whole(body, receive), counted)
        finally:
            if status >= 400:
                self._figures.count_error(_KINDS.get(status, "internal"))
            if scope["path"] == "/decide" or scope["path"].endswith("/infer"):
                self._figures.time(time.perf_counter() - start)


async def _body_within(scope, receive, max_bytes, seconds):
    """Return the body. Raise an error if it is too large or too slow, or the client has gone."""
    told = dict(scope["headers"]).get(b"content-length", b"0")
    body, more, n_bytes = bytearray(), True, int(told)
    try:
        async with asyncio.timeout(seconds):
            while more and n_bytes <= max_bytes:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ConnectionError("body is expected to be sent whole, got a part.")
                body += message.get("body", b"")
                more, n_bytes = message.get("more_body", False), max(n_bytes, len(body))
    except TimeoutError:
        text = f"body is expected to come whole within {seconds:g} seconds, got a part of it."
        raise RequestError(408, text, "body") from None
    if n_bytes > max_bytes:
        text = f"body is expected to have at most {max_bytes} bytes, got more."
        raise RequestError(413, text, "body")
    return bytes(body)


def _whole(body, receive):
    """Return how the application receives a body that has come."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def again():
        return messages.pop() if messages else await receive()

    return again


async def _refuse(send, error):
    """Answer, and have the server close the connection, as the rest of a body may come."""
    body = json.dumps({"error": str(error), "field": error.field}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
