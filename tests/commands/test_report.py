"""The command report."""

import re
import shutil

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from sklearn_hrc._commands.run import main
from sklearn_hrc.evaluation import evaluate


def report(folder, output, *words):
    return main(["report", "--policy", str(folder), "-o", str(output), *words])


def test_page_shows_the_list_and_who_gets_what(fitted, tmp_path, capsys):
    words = ["--list", str(fitted.home / "list.csv"), "--total-budget", "40", "--currency", "EUR"]
    assert report(fitted.folder, tmp_path / "r.html", *words, "--title", "Spring <1>") == 0
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<h1>Spring &lt;1&gt;</h1>" in page
    assert "120" in page
    assert "EUR" in page
    assert "note:" not in capsys.readouterr().err


def test_table_that_is_gone_is_told_and_can_be_named(fitted, tmp_path, capsys):
    folder = shutil.copytree(fitted.folder, tmp_path / "policy")
    manifest = (folder / "manifest.json").read_text(encoding="utf-8")
    gone = manifest.replace(str(fitted.home), str(tmp_path))
    (folder / "manifest.json").write_text(gone, encoding="utf-8")
    assert report(folder, tmp_path / "without.html") == 0
    assert "note: The table of the experiment, campaign.csv, is not there" in (
        capsys.readouterr().err
    )
    shutil.copy(fitted.home / "list.csv", tmp_path / "campaign.csv")
    assert report(folder, tmp_path / "without.html") == 0
    assert "campaign.csv, has changed, so that" in capsys.readouterr().err
    named = str(fitted.home / "campaign.csv")
    assert report(folder, tmp_path / "with.html", "--campaign", named) == 0
    assert report(fitted.folder, tmp_path / "same.html") == 0
    pages = [(tmp_path / f"{name}.html").read_text() for name in ("without", "with", "same")]
    assert pages[1] == pages[2]
    # how those who get an arm differ, by numbers or shares of the table's columns
    traits = re.compile(r"on average \(all: |of them \(\d+ % of all\)|much like all|<li>everybody")
    assert traits.search(pages[1])
    assert not traits.search(pages[0])


def test_another_table_is_refused(fitted, tmp_path, capsys):
    other = str(fitted.home / "list.csv")
    assert report(fitted.folder, tmp_path / "r.html", "--campaign", other) == 2
    assert "campaign is expected to be the table that fit read" in capsys.readouterr().err
    assert not (tmp_path / "r.html").exists()


@pytest.mark.slow
def test_page_of_the_folder_is_that_of_python(fitted, tmp_path):
    import sklearn

    from sklearn_hrc._commands.policy_folder import read_folder
    from sklearn_hrc.report import write_report
    from sklearn_hrc.tables import rows_of

    named = {"outcome": ["gmv", "orders"], "treatment": "arm", "cost": "paid", "groups": "house"}
    rows = rows_of(fitted.home / "campaign.csv", **named)
    policy = read_folder(str(fitted.folder)).policy
    with sklearn.config_context(enable_metadata_routing=True):
        evaluation = evaluate(policy, rows.X, rows.y, **rows.metadata, cv=2, random_state=0)
    write_report(tmp_path / "python.html", policy, evaluation=evaluation, rows=rows)
    assert report(fitted.folder, tmp_path / "command.html") == 0
    assert (tmp_path / "command.html").read_bytes() == (tmp_path / "python.html").read_bytes()
