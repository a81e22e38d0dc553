"""A log of decisions loses no whole line, and tells lines that are not whole."""

import json
import os
import resource
import subprocess
import sys
import threading
import zlib
from datetime import datetime

import numpy as np
import pytest

from sklearn_hrc.serving import Decision, DecisionLog, Decisions, read_log

DECISION = Decision("10 off", 0.95, 3, True, 0.8, "4f1d0c")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "decisions.log"


def ids_of(path):
    return [record["decision_id"] for record in read_log(path).records]


def test_a_record_has_what_estimates_need(path):
    row = {"age": np.float32(41.5), "plan": None, "since": np.datetime64("2026-01-31"), "n": 3}
    with DecisionLog(path) as log:
        log.write("a", row, DECISION)
    (record,), n_torn = read_log(path)
    assert datetime.fromisoformat(record.pop("timestamp")).tzinfo is not None
    assert n_torn == 0
    assert record == {
        "decision_id": "a",
        "policy_version": "4f1d0c",
        "context": {"age": 41.5, "plan": None, "since": "2026-01-31", "n": 3},
        "action": "10 off",
        "pscore": 0.95,
        "explored": True,
        "budget": 0.8,
    }


@pytest.mark.parametrize(
    ("value", "logged"),
    [
        (float("nan"), None),
        (np.datetime64("NaT", "s"), None),
        (datetime(2026, 1, 31, 12), "2026-01-31T12:00:00"),
        (np.bool_(True), True),
        ("line\nbreak \ud800", "line\nbreak \ud800"),
        (float("inf"), "inf"),
    ],
)
def test_values_that_json_has_not(path, value, logged):
    with DecisionLog(path) as log:
        log.write("a", {"x": value}, DECISION)
    assert read_log(path).records[0]["context"] == {"x": logged}


def test_several_decisions_are_one_record_each(path):
    arms = np.array(["5 off", "none"])
    made = Decisions(arms, np.array([0.9, 0.1]), np.zeros(2, int), np.array([0, 1], bool), 0.5, "v")
    with DecisionLog(path) as log:
        log.write_many(["a", "b"], [{"x": 1.0}, {"x": 2.0}], made)
    found = [(r["action"], r["pscore"], r["explored"], r["context"]) for r in read_log(path)[0]]
    assert found == [("5 off", 0.9, False, {"x": 1.0}), ("none", 0.1, True, {"x": 2.0})]
    with DecisionLog(path) as log, pytest.raises(ValueError, match="one entry for each of 2"):
        log.write_many(["a"], [{"x": 1.0}, {"x": 2.0}], made)
    assert ids_of(path) == ["a", "b"]


def test_who_was_eligible_is_logged_where_it_was_restricted(path):
    masks = {np.str_("none"): np.array([True, True]), 5: np.array([True, False])}
    figures = np.ones(2), np.zeros(2, int), np.zeros(2, bool), 0.5, "v"
    with DecisionLog(path) as log:
        log.write("a", {}, DECISION)
        log.write("b", {}, DECISION._replace(eligible=("10 off", np.int64(5))))
        log.write_many(["c", "d"], [{}] * 2, Decisions(np.array(["none"] * 2), *figures, masks))
    found = {record["decision_id"]: record.get("eligible") for record in read_log(path).records}
    assert found == {"a": None, "b": ["10 off", 5], "c": None, "d": ["none"]}
    assert ["eligible" in record for record in read_log(path).records] == [False, True, False, True]


@pytest.mark.parametrize("n_bytes", [1, 5, 60])
def test_a_torn_last_line_is_passed_over_and_the_next_is_whole(path, n_bytes):
    with DecisionLog(path) as log:
        log.write("a", {}, DECISION)
        log.write("torn", {}, DECISION)
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size - n_bytes)
    assert (ids_of(path), read_log(path).n_torn) == (["a"], 1)
    with DecisionLog(path) as log:
        log.write("b", {}, DECISION)
    # A line that lacks nothing but its end is whole as soon as another starts.
    kept = ["a", "torn", "b"] if n_bytes == 1 else ["a", "b"]
    assert (ids_of(path), read_log(path).n_torn) == (kept, n_bytes > 1)


def test_every_changed_byte_is_found(path):
    with DecisionLog(path) as log:
        log.write("a", {}, DECISION)
    content = path.read_bytes()
    for place in range(0, len(content) - 1, 7):
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(changed)
        assert read_log(path).records == []


def test_the_checksum_is_a_crc_of_the_text(path):
    with DecisionLog(path) as log:
        log.write("a", {}, DECISION)
    checksum, _, text = path.read_bytes()[:-1].partition(b" ")
    assert int(checksum, 16) == zlib.crc32(text)
    assert json.loads(text)["decision_id"] == "a"


def test_threads_and_logs_write_at_once(path):
    logs = [DecisionLog(path, sync_every=7) for _ in range(2)]

    def write(name):
        for number in range(50):
            logs[name % 2].write(f"{name}-{number}", {"x": "y" * number}, DECISION)

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for log in logs:
        log.close()
    assert sorted(ids_of(path)) == sorted(f"{a}-{b}" for a in range(4) for b in range(50))
    assert read_log(path).n_torn == 0


def test_a_file_that_may_not_grow_tears_a_line_and_no_more(path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with DecisionLog(path) as log:
        log.write("a", {}, DECISION)
        size = path.stat().st_size
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, hard))
            for _ in range(2):
                with pytest.raises(OSError):
                    log.write("lost", {}, DECISION)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert (log.n_lost, log.error is None) == (2, False)
        log.write("b", {}, DECISION)
        assert (log.n_lost, log.error) == (2, None)
    assert (ids_of(path), read_log(path).n_torn) == (["a", "b"], 1)


def test_records_before_the_torn_one_of_a_batch_are_kept(path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    arms = np.array(["none"] * 3)
    made = Decisions(arms, np.ones(3), np.zeros(3, int), np.zeros(3, bool), 0.5, "v")
    with DecisionLog(path) as log:
        log.write_many(["a", "b", "c"], [{}] * 3, made)
        size = path.stat().st_size
        try:  # room for half of another three
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + size // 2, hard))
            with pytest.raises(OSError, match="bytes could be written"):
                log.write_many(["d", "e", "f"], [{}] * 3, made)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert log.n_lost == 2
    assert (ids_of(path), read_log(path).n_torn) == (["a", "b", "c", "d"], 1)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="No device that is full.")
def test_a_full_device_loses_records_and_says_so():
    log = DecisionLog("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        log.write("a", {}, DECISION)
    assert (log.n_lost, "No space left" in log.error) == (1, True)
    log.close()


def test_synchronised_after_records_or_seconds(path, monkeypatch):
    synchronised = []
    monkeypatch.setattr(os, "fsync", synchronised.append)
    log = DecisionLog(path, sync_every=3, sync_seconds=1e9)
    for number in range(7):
        log.write(str(number), {}, DECISION)
    assert len(synchronised) == 2
    log.sync()
    log.sync()  # nothing has been written since
    assert len(synchronised) == 3
    log.close()
    log = DecisionLog(path, sync_seconds=0)
    log.write("now", {}, DECISION)
    assert len(synchronised) == 4
    log.close()


def test_a_disk_that_does_not_synchronise_is_told_until_it_does(path, monkeypatch):
    def refuse(file):
        raise OSError(5, "Input/output error")

    log = DecisionLog(path, sync_every=2, sync_seconds=1e9)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        log.write("a", {}, DECISION)
        with pytest.raises(OSError, match="Input/output"):
            log.write("b", {}, DECISION)
        assert (log.n_lost, "Input/output" in log.error) == (0, True)
    log.write("c", {}, DECISION)  # the records before are still due
    assert log.error is None
    log.close()
    assert ids_of(path) == ["a", "b", "c"]


def test_others_write_while_a_disk_synchronises(path, monkeypatch):
    waiting, go_on = threading.Event(), threading.Event()

    def slowly(file):
        waiting.set()
        assert go_on.wait(30)

    monkeypatch.setattr(os, "fsync", slowly)
    log = DecisionLog(path, sync_every=10, sync_seconds=1e9)
    log.write("a", {}, DECISION)
    thread = threading.Thread(target=log.sync)
    thread.start()
    assert waiting.wait(30)
    log.write("b", {}, DECISION)
    assert ids_of(path) == ["a", "b"]
    go_on.set()
    thread.join()
    log.close()


def test_a_killed_process_loses_nothing_that_was_written(path):
    code = (
        "import os, signal\n"
        "from sklearn_hrc.serving import Decision, DecisionLog\n"
        f"log = DecisionLog({str(path)!r}, sync_every=10**6, sync_seconds=1e6)\n"
        f"log.write('a', {{}}, Decision(*{tuple(DECISION)!r}))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert ids_of(path) == ["a"]


@pytest.mark.parametrize(
    ("settings", "match"),
    [({"sync_every": 0}, "sync_every is"), ({"sync_seconds": float("nan")}, "sync_seconds is")],
)
def test_settings_that_cannot_be(path, settings, match):
    with pytest.raises(ValueError, match=match):
        DecisionLog(path, **settings)
    assert not path.exists()


def test_a_path_that_cannot_be_opened_and_a_closed_log(tmp_path, path):
    with pytest.raises(OSError, match="path is expected to be a file that can be appended to"):
        DecisionLog(tmp_path)
    log = DecisionLog(path)
    log.close()
    log.close()
    with pytest.raises(ValueError, match="expected to be open"):
        log.write("a", {}, DECISION)
