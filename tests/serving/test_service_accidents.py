"""What happens to the service under load, and when a folder, a disk or a process fails."""

import resource
import shutil
import threading
import time

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")
pytest.importorskip("onnxruntime")
pytest.importorskip("uvicorn")

from helpers.service_process import TOKEN, arms_of, expected, running

from sklearn_hrc.serving import load, read_log

ROW = {"country": "AT", "age": None, "plan": "free", "spend": 12.5}
BUDGETS = [0.1, 0.2, 0.3]


def in_threads(target, n_threads=3):
    """Start a function in several threads."""
    threads = [threading.Thread(target=target, args=(name,)) for name in range(n_threads)]
    for thread in threads:
        thread.start()
    return threads


def change_budgets_and_folders(service, folders):
    for place in range(12):
        budget = BUDGETS[place % 3]
        assert service.put("/budget", json={"budget": budget}, headers=TOKEN).is_success
        if place % 4 == 2:
            service.lead_to(folders[place % 8 == 2])
            assert service.post("/reload", headers=TOKEN).json()["budget"] == budget
        time.sleep(0.03)


def test_load_while_budgets_and_policies_change(service, exported, rows):
    answers, stop = [], threading.Event()

    def ask(name):
        while not stop.is_set():
            answers.append(service.decide(rows))

    threads = in_threads(ask)
    folders = [exported["first"], exported["second"]]
    try:
        change_budgets_and_folders(service, folders)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    truth = {
        (load(folder).policy_version, budget): expected(folder, rows, budget)
        for folder in folders
        for budget in BUDGETS
    }
    assert {answer.status_code for answer in answers} == {200}
    found = [answer.json() for answer in answers]
    assert all(arms_of(one) == truth[one["policy_version"], one["budget"]] for one in found)
    assert {one["policy_version"] for one in found} == {version for version, _ in truth}


def test_a_folder_that_is_damaged_or_too_dear_leaves_the_old_policy(service, exported, tmp_path):
    damaged = shutil.copytree(exported["first"], tmp_path / "damaged")
    (damaged / "model.onnx").write_bytes(b"no graph")
    service.put("/budget", json={"budget": 0.1}, headers=TOKEN)
    version = service.get("/v2/health/ready").json()["policy_version"]
    failures = service.metric("sklearn_hrc_reload_failures_total")
    for target, word in ((damaged, "checksum"), (exported["dear"], "cheapest plan")):
        service.lead_to(target)
        assert service.post("/reload", headers=TOKEN).status_code == 409
        state = service.get("/v2/health/ready").json()
        assert (state["policy_version"], state["ready"]) == (version, True)
        assert word in state["policy"]
        assert service.metric("sklearn_hrc_reload_failing") == 1
        assert service.decide(ROW).json()["budget"] == 0.1
    assert service.post("/reload").status_code == 401
    service.lead_to(exported["second"])
    assert service.post("/reload", headers=TOKEN).json()["budget"] == 0.1
    state = service.get("/v2/health/ready").json()
    assert (state["policy"], state["policy_version"] == version) == ("ok", False)
    assert service.metric("sklearn_hrc_reload_failures_total") == failures + 2
    assert service.metric("sklearn_hrc_reload_failing") == 0


def test_a_full_disk_stops_the_log_and_no_decision(service, exported):
    before, n_torn = read_log(service.log)
    pid, limits = service.process.pid, resource.getrlimit(resource.RLIMIT_FSIZE)
    room = service.log.stat().st_size + 20_050  # three batches and a part of the next
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        answers = [service.decide([ROW] * 25) for _ in range(10)]
        state = service.get("/v2/health/ready").json()
        lost = service.metric("sklearn_hrc_log_lost_total")
        assert service.metric("sklearn_hrc_log_failing") == 1
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
    assert {answer.status_code for answer in answers} == {200}
    assert (state["ready"], state["log"] in ("ok", "off")) == (True, False)
    service.decide(ROW, decision_id="with room again")
    assert service.get("/v2/health/ready").json()["log"] == "ok"
    assert service.metric("sklearn_hrc_log_failing") == 0
    after = read_log(service.log)
    assert after.records[-1]["decision_id"] == "with room again"
    assert 0 < lost == 251 - (len(after.records) - len(before))
    assert after.n_torn == n_torn + 1


@pytest.mark.slow
def test_a_kill_loses_no_decision_that_was_answered(exported, tmp_path):
    import httpx

    log, answered = tmp_path / "decisions.log", []
    for life in range(2):
        with running(exported["first"], tmp_path / "output", log=log, log_every=10**6) as service:

            def ask(name, life=life, service=service):
                for number in range(10**6):
                    decision_id = f"{life}-{name}-{number}"
                    try:
                        service.decide(ROW, decision_id=decision_id).raise_for_status()
                    except httpx.TransportError:  # the process has been killed
                        return
                    answered.append(decision_id)

            threads = in_threads(ask)
            time.sleep(1)
            service.process.kill()
            for thread in threads:
                thread.join()
        if life == 0:  # as if the machine had crashed in the middle of a line
            log.write_bytes(log.read_bytes() + b'0badcafe {"decision_id":"to')
    records, n_torn = read_log(log)
    logged = [record["decision_id"] for record in records]
    assert len(logged) == len(set(logged))
    assert set(answered) <= set(logged)
    assert {name[0] for name in answered} == {"0", "1"}
    assert n_torn == 1


@pytest.mark.slow
def test_without_a_token_nothing_can_be_changed(exported, tmp_path):
    with running(exported["first"], tmp_path / "output", token="") as service:
        for headers in ({}, {"Authorization": "Bearer"}, TOKEN):
            assert service.put("/budget", json={"budget": 1}, headers=headers).status_code == 403
            assert service.post("/reload", headers=headers).status_code == 403
        assert service.get("/v2/health/ready").json()["log"] == "off"


@pytest.mark.slow
def test_a_start_without_a_policy_says_what_is_missing(tmp_path):
    with (
        pytest.raises(RuntimeError, match="folder is expected to be a folder, got"),
        running(tmp_path / "nothing", tmp_path / "output"),
    ):
        pass
