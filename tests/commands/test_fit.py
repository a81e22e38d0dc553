"""The command fit."""

import json
import sys

import pytest
from helpers.command_cases import ARMS, COLUMNS, QUICK

from sklearn_hrc._commands.run import main
from sklearn_hrc.tables import read_table, rows_of


def test_prints_what_was_read_and_what_it_is_worth(fitted):
    named = {"outcome": ["gmv", "orders"], "treatment": "arm", "cost": "paid", "groups": "house"}
    rows = rows_of(fitted.home / "campaign.csv", **named)
    assert fitted.printed.startswith(f"{rows}\n\nWhat the policy is worth")
    assert "more than none for everybody" in " ".join(fitted.printed.split())
    assert f"plan LIST --policy {fitted.folder}" in fitted.printed


def test_progress_counts_the_folds(fitted):
    lines = fitted.progress.splitlines()
    assert [line.split(",")[0] for line in lines if line.startswith("  fold")] == [
        "  fold 1 of 2 done",
        "  fold 2 of 2 done",
    ]
    assert lines[0] == f"Reading {fitted.home / 'campaign.csv'} ..."


def test_manifest_says_how_the_policy_was_made(fitted):
    manifest = json.loads((fitted.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["ids"] == ["id"]
    assert manifest["features"] == ["since", "country", "age", "member"]
    assert manifest["control"] == "none"
    assert manifest["outcomes"] == ["gmv", "orders"]
    assert manifest["columns"]["groups"] == "house"
    assert manifest["random_state"] == 0
    assert "--max-epochs 1 --folds 2" in manifest["command"]
    assert manifest["table"]["rows"] == 400


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gmv": "gvm"}, "outcome is expected to name a column of the table, got 'gvm'"),
        ({"none": "non"}, "control is expected to name an arm, got 'non'; the nearest is 'none'."),
        ({"--rule": "forbid none where age < 3"}, "give it to plan, which has the people."),
        ({"--rule": "max_share non 0.2"}, "name an arm, got 'non'"),
        pytest.param(
            {"--budget": "-1"}, "budget is expected to be at least 0", marks=pytest.mark.slow
        ),
    ],
)
def test_wrong_input_is_one_line(change, message, files, tmp_path, capsys):
    words = [change.get(word, word) for word in COLUMNS]
    words += [part for name in change if name.startswith("--") for part in (name, change[name])]
    output = tmp_path / "policy"
    assert main(["fit", str(files / "campaign.csv"), *words, *QUICK, "-o", str(output)]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("python -m sklearn_hrc fit: error: ")
    assert message in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "table is expected to be a file that exists"),
        ("", "table is expected to hold rows, got the empty file"),
        ("a#b\n1#2\n", "the columns are 'a#b'"),
    ],
)
def test_table_that_is_none_is_one_line(content, message, tmp_path, capsys):
    if content is not None:
        (tmp_path / "t.csv").write_text(content)
    words = ["fit", str(tmp_path / "t.csv"), *COLUMNS, "-o", str(tmp_path / "policy")]
    assert main(words) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_output_is_checked_before_the_table_is_read(files, tmp_path, capsys):
    output = str(tmp_path / "no" / "policy")
    assert main(["fit", "nothing.csv", *COLUMNS, "-o", output]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "output is expected to be in a folder that exists" in error


def test_missing_package_names_the_extra(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "skops", None)
    assert main(["fit", "nothing.csv", *COLUMNS, "-o", "policy"]) == 2
    assert 'fit requires skops: install it with pip install "sklearn-hrc[commands]".' in (
        capsys.readouterr().err
    )


@pytest.mark.slow
def test_known_prices_and_no_folds(files, tmp_path, capsys):
    words = [word for word in COLUMNS if word not in ("--cost", "paid")]
    prices = ["none=0", "5 off=2", "a letter with a long name that nobody reads=0.5"]
    output = tmp_path / "policy"
    words += ["--arm-cost", *prices, "--ignore", "paid", "--max-epochs", "1", "--folds", "0"]
    assert main(["fit", str(files / "campaign.csv"), *words, "-o", str(output)]) == 0
    assert "worth" not in capsys.readouterr().out
    assert sorted(path.name for path in output.iterdir()) == ["manifest.json", "policy.skops"]


@pytest.mark.slow
def test_arms_that_are_numbers(files, tmp_path, capsys):
    frame = read_table(files / "campaign.csv").drop(columns="house")
    frame["arm"] = frame["arm"].map(dict(zip(ARMS, [0, 5, 10])))
    frame.to_csv(tmp_path / "t.csv", sep=";", index=False)
    words = ["--treatment", "arm", "--outcome", "gmv", "--cost", "paid", "--ignore", "orders"]
    words += ["--rule", "max_share 5 10.0 0.2", "--max-epochs", "1", "--folds", "0"]
    output = tmp_path / "policy"
    assert main(["fit", str(tmp_path / "t.csv"), *words, "-o", str(output)]) == 0
    assert "- Columns of 't.csv' are separated by ';'." in capsys.readouterr().out
    manifest = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["arms"] == [0, 5, 10]
    assert manifest["control"] == 0
    words = [
        "--policy",
        str(output),
        "--rule",
        "max_individuals 5 3",
        "-o",
        str(tmp_path / "w.csv"),
    ]
    assert main(["plan", str(files / "list.csv"), *words]) == 0
    given = read_table(tmp_path / "w.csv")["treatment"]
    assert (given == 5).sum() <= 3
    assert (given > 0).mean() <= 0.2
