"""Bodies that come slowly, by sockets: they end by themselves, and hold up nobody."""

import json
import socket
import threading
from contextlib import contextmanager

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")
pytest.importorskip("onnxruntime")
pytest.importorskip("uvicorn")

import uvicorn
from helpers.service_process import FOLDER, running

HEAD = b"POST /decide HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n"


async def echo(scope, receive, send):
    """Answer with the body."""
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


@contextmanager
def limited(monkeypatch, body_seconds):
    """Serve `echo` within limits, by a server in a thread."""
    monkeypatch.syspath_prepend(str(FOLDER))
    from limits import Limits
    from prometheus import Figures

    figures = Figures()
    app = Limits(echo, max_bytes=1000, body_seconds=body_seconds, figures=figures)
    config = uvicorn.Config(app, lifespan="off", ws="none", log_config=None)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname(), server, thread, figures
        finally:
            server.should_exit = True
            thread.join(30)


def asked(address, part, length):
    """Send a request whose body is this part so far."""
    client = socket.create_connection(address, timeout=30)
    client.sendall(HEAD + b"content-length: %d\r\n\r\n" % length + part)
    return client


def answer_of(client):
    """Read until the server closes the connection."""
    with client, client.makefile("rb") as file:
        head, _, body = file.read().partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


TOO_SLOW = {
    "error": "body is expected to come whole within 0.3 seconds, got a part of it.",
    "field": "body",
}


def test_a_body_that_does_not_come_is_answered_and_others_meanwhile(monkeypatch):
    with limited(monkeypatch, 0.3) as (address, _, _, figures):
        slow = asked(address, b"", 5)
        with asked(address, b"[1.5]", 5) as quick:
            assert quick.recv(1000).startswith(b"HTTP/1.1 200")
        assert answer_of(slow) == (408, TOO_SLOW)
    assert 'sklearn_hrc_errors_total{kind="too_slow"} 1' in figures.text()


def test_a_body_that_comes_byte_by_byte_has_no_more_time(monkeypatch):
    with limited(monkeypatch, 0.3) as (address, _, _, _):
        slow, got = asked(address, b"[", 1000), b""
        slow.settimeout(0.05)
        for _ in range(500):
            try:
                got = slow.recv(1000)
                break
            except TimeoutError:
                slow.sendall(b" ")
        slow.close()
    assert got.startswith(b"HTTP/1.1 408")


def test_a_body_that_does_not_come_holds_up_no_end(monkeypatch):
    with limited(monkeypatch, 0.3) as (address, server, thread, _):
        # The end comes while the server waits for the body.
        slow = asked(address, b"[1.", 5)
        with asked(address, b"[1.5]", 5) as quick:
            assert quick.recv(1000).startswith(b"HTTP/1.1 200")
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()
        assert answer_of(slow) == (408, TOO_SLOW)


@pytest.mark.slow
def test_a_process_ends_though_a_body_does_not_come(exported, tmp_path):
    with running(exported["first"], tmp_path / "output", body_seconds=0.3) as service:
        address = service.base_url.host, service.base_url.port
        slow = asked(address, b'{"rows"', 500)
        assert service.get("/v2/health/live").is_success
        service.process.terminate()
        assert service.process.wait(30) == -15
        assert answer_of(slow) == (408, TOO_SLOW)
