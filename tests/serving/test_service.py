"""The endpoints of the service in `examples/serving`, on loopback."""

import json

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")
pytest.importorskip("onnxruntime")
pytest.importorskip("uvicorn")

from helpers.service_process import FOLDER, TOKEN, arms_of, expected

from sklearn_hrc.serving import load, read_log

ROW = {"country": "AT", "age": None, "plan": "free", "spend": 12.5}


def test_the_folder_is_no_section_of_the_gallery():
    # sphinx-gallery would run or show what lies beside a header of this name.
    headers = {"GALLERY_HEADER", "README", "readme"}
    found = [path.name for path in FOLDER.iterdir() if path.stem in headers and path.suffix]
    assert (found, (FOLDER / "README").exists()) == ([], True)


def test_decisions_are_those_of_the_folder_and_are_logged(service, exported, rows):
    service.put("/budget", json={"budget": 0.2}, headers=TOKEN)
    ids = [f"visit-{place}" for place in range(len(rows))]
    answer = service.decide(rows, decision_id=ids).json()
    assert arms_of(answer) == expected(exported["first"], rows, 0.2)
    assert (answer["budget"], answer["policy_version"]) == (
        0.2,
        load(exported["first"]).policy_version,
    )
    logged = {record["decision_id"]: record for record in read_log(service.log).records}
    for name, row, decision in zip(ids, rows, answer["decisions"]):
        assert decision["decision_id"] == name
        assert (logged[name]["context"], logged[name]["budget"]) == (row, 0.2)
        assert (logged[name]["action"], logged[name]["pscore"]) == (decision["treatment"], 1.0)


def test_one_row_of_those_eligible(service):
    answer = service.decide(ROW, eligible=["5 off"]).json()
    assert arms_of(answer) == ["5 off"]
    assert len(answer["decisions"][0]["decision_id"]) == 32


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"rows": {**ROW, "colour": "red"}}, "colour"),
        ({"rows": {"country": "AT", "age": 3, "plan": "free"}}, "spend"),
        ({"rows": [ROW, {**ROW, "spend": "much"}]}, "spend"),
        ({"rows": {**ROW, "country": ["AT"]}}, "country"),
        ({"rows": []}, "rows"),
        ({"rows": [ROW] * 51}, "rows"),
        ({"rows": 3}, "rows"),
        ({"rows": ROW, "eligible": ["6 off"]}, "eligible"),
        ({"rows": ROW, "eligible": []}, "eligible"),
        ({"rows": [ROW, ROW], "decision_id": ["a", "a"]}, "decision_id"),
        ({"rows": ROW, "decision_id": "a" * 201}, "decision_id"),
        ({"rows": ROW, "eligibel": ["none"]}, "eligibel"),
    ],
)
def test_a_question_that_is_wrong_is_told_by_its_field(service, question, field):
    answer = service.post("/decide", json=question)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert answer.json()["error"].endswith(".")


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", '"\\ud800"', "9" * 400])
def test_what_python_reads_and_json_has_not(service, number):
    text = json.dumps({"rows": ROW}).replace("12.5", number)
    answer = service.post("/decide", content=text, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["field"]) == (422, "spend")


def test_bodies_that_are_no_json_or_too_large(service):
    kind = {"content-type": "application/json"}
    assert service.post("/decide", content=b'{"rows":', headers=kind).status_code == 422
    assert service.post("/decide", content=b"[" * 10_000, headers=kind).status_code in (400, 422)
    before = service.metric('sklearn_hrc_errors_total{kind="too_large"}') or 0
    assert service.post("/decide", content=b" " * 20_001).status_code == 413
    chunks = (b" " * 5_000 for _ in range(5))  # without a length
    assert service.post("/decide", content=chunks).status_code == 413
    assert service.metric('sklearn_hrc_errors_total{kind="too_large"}') == before + 2


def as_tensors(row):
    kinds = {str: "BYTES", float: "FP64", type(None): "FP64"}
    return [
        {"name": name, "shape": [1], "datatype": kinds[type(value)], "data": [value]}
        for name, value in row.items()
    ]


def test_open_inference_answers_as_decide_does(service):
    about = service.get("/v2/models/policy").json()
    assert [tensor["name"] for tensor in about["inputs"]] == list(ROW)
    answer = service.post("/v2/models/policy/infer", json={"id": "q", "inputs": as_tensors(ROW)})
    outputs = {tensor["name"]: tensor for tensor in answer.json()["outputs"]}
    assert outputs["treatment"]["data"] == arms_of(service.decide(ROW).json())
    assert outputs["treatment"]["datatype"] == "BYTES"
    assert (outputs["propensity"]["data"], outputs["decision_id"]["data"]) == ([1.0], ["q-0"])
    assert answer.json()["id"] == "q"
    assert service.get("/v2/health/live").json() == {"live": True}
    assert service.get("/v2/health/ready").json()["log"] == "ok"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"shape": [2]}, "spend"),
        ({"datatype": "FP16"}, "spend"),
        ({"datatype": "INT64"}, "spend"),
        ({"name": "age"}, "age"),
    ],
)
def test_tensors_that_are_wrong_are_told_by_name(service, change, field):
    tensors = as_tensors(ROW)
    tensors[-1].update(change)
    answer = service.post("/v2/models/policy/infer", json={"inputs": tensors})
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert service.post("/v2/models/x/infer", json={"inputs": tensors}).status_code == 404


def test_a_budget_needs_the_token_and_a_plan(service):
    for headers in ({}, {"Authorization": "Bearer another"}, {"Authorization": "the token"}):
        answer = service.put("/budget", json={"budget": 0.1}, headers=headers)
        assert answer.status_code == 401
    assert service.put("/budget", json={"budget": 0.3}, headers=TOKEN).json()["budget"] == 0.3
    answer = service.put("/budget", json={"budget": 0.05}, headers=TOKEN)
    assert (answer.status_code, "at least 0.1" in answer.json()["error"]) == (422, True)
    answer = service.put("/budget", json={"budget": 0.25}, headers=TOKEN).json()
    assert (answer["budget"], answer["asked_budget"], answer["warning"]) == (0.2, 0.25, None)
    assert answer["expected_cost"] <= 0.2
    assert "largest plan" in service.put("/budget", json={"budget": 9}, headers=TOKEN).text
    assert service.metric("sklearn_hrc_budget") == service.get("/budget").json()["budget"] == 0.3


def test_metrics_count_decisions_and_times(service, rows):
    timed = service.metric("sklearn_hrc_request_seconds_count")
    line = 'sklearn_hrc_decisions_total{arm="5 off"}'
    before = service.metric(line) or 0
    service.decide([ROW] * 3, eligible=["5 off"])
    assert service.metric(line) == before + 3
    assert service.metric("sklearn_hrc_request_seconds_count") == timed + 1
    assert service.metric('sklearn_hrc_request_seconds_bucket{le="+Inf"}') == timed + 1
