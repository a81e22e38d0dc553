"""The service of `examples/serving` in a process of its own, on loopback."""

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx

from sklearn_hrc.serving import load

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "serving"
TOKEN = {"Authorization": "Bearer the token"}


class RunningService(httpx.Client):
    """A client of the service that knows its process."""

    def __init__(self, process, url):
        super().__init__(base_url=url, timeout=30, trust_env=False)
        self.process = process

    def lead_to(self, folder):
        """Have the link, which the service reads its folder by, lead elsewhere, in one step."""
        new = self.link.with_name("next")
        new.symlink_to(folder)
        os.replace(new, self.link)

    def decide(self, rows, **question):
        """Ask for decisions, and return the answer."""
        return self.post("/decide", json={"rows": rows, **question})

    def metric(self, line):
        """Return the figure that a line of the metrics starts with."""
        found = re.search(rf"^{re.escape(line)} (\S+)$", self.get("/metrics").text, re.M)
        return float(found[1]) if found else None


@contextmanager
def running(policy, output, **settings):
    """Start a service, and end it.

    Parameters
    ----------
    policy : path-like
        Folder of the policy.
    output : Path
        File for what the process prints.
    **settings : object
        Variables, in lower case and without `SKLEARN_HRC_`.
    """
    settings = {"policy": policy, "token": "the token", **settings}
    given = {f"SKLEARN_HRC_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", "0", "--no-access-log"]
    with open(output, "wb") as file:
        process = subprocess.Popen(
            command, cwd=FOLDER, env={**os.environ, **given}, stdout=file, stderr=file
        )
    try:
        with RunningService(process, _url(process, output)) as service:
            yield service
    finally:
        process.terminate()
        process.wait(30)


def arms_of(answer):
    """Return the arms of an answer."""
    return [decision["treatment"] for decision in answer["decisions"]]


def expected(folder, rows, budget):
    """Return the arms that a folder gives without the service."""
    policy = load(folder)
    policy.set_budget(budget)
    return policy.decide(rows).treatment.tolist()


def _url(process, output):
    """Wait for the address that the process prints."""
    while process.poll() is None:
        if found := re.search(r"running on (http://\S+)", output.read_text()):
            return found[1]
        time.sleep(0.02)
    raise RuntimeError(output.read_text())
