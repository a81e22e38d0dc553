"""A policy in a folder, and a service on it, that the tests of this wing share."""

import json

import pytest


@pytest.fixture(scope="session")
def mixed():
    """A policy on numbers with gaps and on categories, and its rows."""
    pytest.importorskip("pandas")
    from helpers.served_policies import mixed_policy

    return mixed_policy()


@pytest.fixture(scope="session")
def rows(mixed):
    """Rows as a request has them."""
    return json.loads(mixed[1].head(40).to_json(orient="records"))


@pytest.fixture(scope="session")
def exported(mixed, tmp_path_factory):
    """Folders of this policy with other plans, and so of another version each."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from sklearn_hrc.export import export_policy

    policy, X = mixed
    scratch = tmp_path_factory.mktemp("exported")
    budgets = {"first": [0.1, 0.2, 0.3], "second": [0.1, 0.15, 0.2, 0.3], "dear": [0.25]}
    return {
        name: export_policy(policy, scratch / name, X, budgets=budgets[name]) for name in budgets
    }


@pytest.fixture(scope="session")
def started(exported, tmp_path_factory):
    """A service whose folder is a link."""
    pytest.importorskip("httpx")
    pytest.importorskip("uvicorn")
    pytest.importorskip("fastapi")
    from helpers.service_process import running

    scratch = tmp_path_factory.mktemp("service")
    link, log = scratch / "current", scratch / "decisions.log"
    link.symlink_to(exported["first"])
    limits = {"max_bytes": 20_000, "max_rows": 50, "log_seconds": 0.2}
    with running(link, scratch / "output", log=log, **limits) as service:
        service.link, service.log = link, log
        yield service


@pytest.fixture
def service(started, exported):
    """The same service, with the first folder and the budget 0.3."""
    from helpers.service_process import TOKEN

    started.lead_to(exported["first"])
    assert started.put("/budget", json={"budget": 0.3}, headers=TOKEN).is_success
    assert started.post("/reload", headers=TOKEN).is_success
    return started
