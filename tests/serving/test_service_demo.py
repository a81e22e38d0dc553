"""The service on a policy of its own, as somebody starts it who has cloned the repository."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("pandas")
pytest.importorskip("skrub")
pytest.importorskip("uvicorn")

import httpx
from helpers.service_process import FOLDER

from sklearn_hrc.serving import load

COMMAND = [sys.executable, str(FOLDER / "demo.py")]


def printed(process, output, what):
    """Wait until the process has printed something, and return all that it has printed."""
    while process.poll() is None:
        if what in output.read_text():
            return output.read_text()
        time.sleep(0.05)
    raise RuntimeError(output.read_text())


@pytest.mark.slow
def test_the_printed_request_gets_its_arm_and_an_interrupt_ends_it_all(tmp_path):
    output, scratch = tmp_path / "output", tmp_path / "scratch"
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch)}
    command = [*COMMAND, "--port", "0", "--rows", "1000"]
    with open(output, "wb") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
    try:
        text = printed(process, output, "Ctrl-C ends the service.")
        served = load(re.search(r"Exported to (\S+) after", text)[1])
        _, url, _, header, _, body = shlex.split(re.search(r"^curl .*$", text, re.M)[0])
        kind = dict([header.split(": ")])
        answer = httpx.post(url, content=body, headers=kind, trust_env=False, timeout=30).json()
        (decision,) = answer["decisions"]
        assert decision["treatment"] == served.decide_one(json.loads(body)["rows"]).treatment
        assert decision["treatment"] != served.control
        page = re.search(r"^(http://\S+/docs) ", text, re.M)[1]
        assert httpx.get(page, trust_env=False, timeout=30).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in output.read_text()
    assert not list(scratch.glob("sklearn-hrc-*"))


def test_a_port_in_use_is_one_sentence_before_anything_is_fitted():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(rf"port is expected to be free, got {port} .* is free\.\n", done.stderr)
