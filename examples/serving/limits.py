"""Around all endpoints: the size of bodies, the time of decisions, and errors by kind."""

import json
import time

from prometheus import Figures

__all__ = ["Limits"]

_KINDS = {
    400: "unreadable",
    401: "token",
    403: "token",
    404: "unknown_path",
    405: "unknown_path",
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
    figures : Figures
        Where times and errors are counted.
    """

    def __init__(self, app, *, max_bytes: int, figures: Figures) -> None:
        self._app, self._max_bytes, self._figures = app, max_bytes, figures

    async def __call__(self, scope, receive, send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def counted(message):
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._answer(scope, receive, counted)
        finally:
            if status >= 400:
                self._figures.count_error(_KINDS.get(status, "internal"))
            if scope["path"] == "/decide" or scope["path"].endswith("/infer"):
                self._figures.time(time.perf_counter() - start)

    async def _answer(self, scope, receive, send):
        body = await _body_within(scope, receive, self._max_bytes)
        if body is None:
            await _refuse(send, self._max_bytes)
            return
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def again():
            return messages.pop() if messages else await receive()

        await self._app(scope, again, send)


async def _body_within(scope, receive, max_bytes):
    """Return the body, or None if it is too large."""
    told = dict(scope["headers"]).get(b"content-length", b"0")
    if int(told) > max_bytes:
        return None
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > max_bytes:
            return None
        if not message.get("more_body", False):
            return bytes(body)


async def _refuse(send, max_bytes):
    text = f"body is expected to have at most {max_bytes} bytes, got more."
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    body = json.dumps({"error": text, "field": "body"}).encode()
    await send({"type": "http.response.body", "body": body})
