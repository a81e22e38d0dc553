"""The modules of `examples/serving` that need no process: settings, figures, failures."""

import asyncio
import json

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")
pytest.importorskip("onnxruntime")
pytest.importorskip("uvicorn")

from helpers.service_process import FOLDER

from sklearn_hrc.serving import read_log

ROW = {"country": "AT", "age": None, "plan": "free", "spend": 12.5}


@pytest.fixture(autouse=True)
def modules(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))


def test_settings_are_read_from_variables():
    from settings import Settings

    given = {"POLICY": "here", "BUDGET": "0.8", "MAX_ROWS": "7", "TOKEN": "", "LOG": "there"}
    given |= {"BODY_SECONDS": "2.5"}
    found = Settings.from_environment({f"SKLEARN_HRC_{name}": text for name, text in given.items()})
    assert found == Settings("here", budget=0.8, max_rows=7, log="there", body_seconds=2.5)


@pytest.mark.parametrize(
    ("variable", "text", "match"),
    [
        ("POLICY", "", "POLICY is expected to name the folder"),
        ("MAX_ROWS", "1.5", "MAX_ROWS is expected to be a whole number from 0, got '1.5'"),
        ("BUDGET", "nan", "BUDGET is expected to be a number from 0, got 'nan'"),
        ("LOG_SECONDS", "-1", "LOG_SECONDS is expected to be a number from 0"),
    ],
)
def test_settings_that_cannot_be(variable, text, match):
    from settings import Settings

    environment = {"SKLEARN_HRC_POLICY": "here", f"SKLEARN_HRC_{variable}": text}
    with pytest.raises(ValueError, match=match):
        Settings.from_environment(environment)


def test_text_of_figures_by_hand():
    from prometheus import Figures, sample

    figures = Figures()
    figures.count_arms(['say "5\\"\n', "none", "none"])
    for seconds in (0.001, 0.004, 7.0):
        figures.time(seconds)
    lines = figures.text()
    assert r'sklearn_hrc_decisions_total{arm="say \"5\\\"\n"} 1' in lines
    assert 'sklearn_hrc_decisions_total{arm="none"} 2' in lines
    buckets = [line.rsplit(" ", 1)[1] for line in lines if "_bucket" in line]
    assert buckets == ["1", "1", *["2"] * 8, "3"]
    assert lines[-2:] == [
        "sklearn_hrc_request_seconds_sum 7.005",
        "sklearn_hrc_request_seconds_count 3",
    ]
    assert sample("budget", "gauge", "Budget.", 0.5)[-1] == "sklearn_hrc_budget 0.5"


def test_a_failure_of_the_service_is_answered_and_counted(exported):
    import httpx
    from app import make_app
    from settings import Settings

    class Broken:
        features, treatments = (), ("none",)

        def decide(self, rows, eligible):
            raise RuntimeError("secret")

    async def ask(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.post("/decide", json={"rows": {}})

    app = make_app(Settings(str(exported["first"])))
    app.state.service.policy = Broken()
    answer = asyncio.run(ask(app))
    assert (answer.status_code, "secret" in answer.text) == (500, False)
    assert answer.json()["error"].startswith("The service failed")
    assert 'errors_total{kind="internal"} 1' in "\n".join(app.state.service.figures.text())


def test_half_of_a_body_is_neither_decided_nor_counted(exported, tmp_path):
    from app import make_app
    from settings import Settings

    app = make_app(Settings(str(exported["first"]), log=str(tmp_path / "decisions.log")))
    # The client goes before the last line feed, so that its part is whole JSON.
    body = json.dumps({"rows": ROW}).encode()
    messages = [{"type": "http.request", "body": body, "more_body": True}]
    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/decide", "headers": headers}

    async def receive():
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message):
        raise AssertionError(message)

    asyncio.run(app({**scope, "query_string": b"", "http_version": "1.1"}, receive, send))
    assert read_log(tmp_path / "decisions.log").records == []
    figures = "\n".join(app.state.service.figures.text())
    assert "request_seconds_count 0" in figures
    assert "errors_total{" not in figures
    app.state.service.close()


def test_a_reload_with_exploration_keeps_the_plan_of_the_folder(exported):
    from service import Service
    from settings import Settings

    service = Service(Settings(str(exported["first"]), exploration=0.1, seed=0))
    before = service.budget()
    assert before["budget"] == 0.3
    assert service.reload() == before | {"warning": None}
    assert service.set_budget(before["asked_budget"])["budget"] == 0.3


def test_the_document_names_the_features_of_the_policy(exported):
    from rows import row_schema

    from sklearn_hrc.serving import load

    schema = row_schema(load(exported["first"]))
    assert schema["required"] == list(schema["properties"]) == list(ROW)
    assert schema["properties"]["age"] == {"type": ["number", "boolean", "null"]}
    assert "AT" in schema["properties"]["country"]["examples"]
