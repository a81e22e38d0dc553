"""The command plan."""

import numpy as np
import pandas as pd
import pytest
from helpers.command_cases import campaign

from sklearn_hrc._commands.policy_folder import read_folder
from sklearn_hrc._commands.run import main
from sklearn_hrc.planning import plan_list
from sklearn_hrc.rules import Forbid, MaxShare
from sklearn_hrc.tables import read_table


def plan(fitted, output, *words, people=None):
    path = fitted.home / "list.csv" if people is None else people
    return main(["plan", str(path), "--policy", str(fitted.folder), "-o", str(output), *words])


def test_output_is_the_plan_of_python(fitted, tmp_path, capsys):
    words = ["--total-budget", "30", "--same-arm-within", "house"]
    words += ["--rule", "max_share '5 off' 0.1"]
    words += ["--rule", "forbid '5 off' where country == 'PL' or age < 30"]
    assert plan(fitted, tmp_path / "who.csv", *words) == 0
    given = pd.read_csv(tmp_path / "who.csv", dtype={"id": str})
    people = read_table(fitted.home / "list.csv")
    expected = plan_list(
        read_folder(str(fitted.folder)).policy,
        people,
        total_budget=30,
        same_arm_within="house",
        rules=[MaxShare("5 off", 0.1), Forbid("5 off", where="country == 'PL' or age < 30")],
    )
    assert given.treatment.tolist() == expected.arms.tolist()
    np.testing.assert_allclose(given.cost, expected.cost, rtol=1e-12)
    assert list(given.columns)[:2] == ["id", "treatment"]
    printed = capsys.readouterr().out
    assert "120 people; the plan costs " in printed
    assert max(map(len, printed.splitlines()[:-1])) <= 80  # the last line names the file
    assert "...obody reads" in printed


def test_ids_keep_their_noughts_and_gaps(fitted, tmp_path):
    people = campaign(30, 5).drop(columns=["arm", "gmv", "orders", "paid"])
    people["id"] = [f"00{row}" for row in range(29)] + [None]
    people.to_csv(tmp_path / "list.csv", sep=";", index=False)
    assert plan(fitted, tmp_path / "who.csv", people=tmp_path / "list.csv") == 0
    lines = (tmp_path / "who.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [f"00{row}" for row in range(29)] + [""]


def test_columns_are_named_by_id(fitted, tmp_path):
    assert plan(fitted, tmp_path / "who.csv", "--id", "house", "age") == 0
    given, people = pd.read_csv(tmp_path / "who.csv"), read_table(fitted.home / "list.csv")
    pd.testing.assert_frame_equal(given[["house", "age"]], people[["house", "age"]])


def test_list_without_ids_is_told(fitted, tmp_path, capsys):
    people = read_table(fitted.home / "list.csv").drop(columns="id")
    people.to_csv(tmp_path / "list.csv", index=False)
    assert plan(fitted, tmp_path / "who.csv", people=tmp_path / "list.csv") == 0
    assert "note: No column of the list tells who is who" in capsys.readouterr().err
    assert (tmp_path / "who.csv").read_text().startswith("treatment,response")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--total-budget", "-5"], "total_budget is expected to be at least 0"),
        (
            ["--total-budget", "10", "--rule", "min_share '5 off' 0.9"],
            "total_budget (10), MinShare of 5 off (0.9) are expected to be kept",
        ),
        (["--rule", "max_share 5off 0.1"], "got '5off'; the nearest is '5 off'"),
        (["--rule", "forbid '5 off' where cntry == 1"], "where of Forbid is expected to be"),
        (["--id", "idd"], "id is expected to name a column of the table, got 'idd'"),
        (["--same-arm-within", "hous"], "same-arm-within is expected to name a column"),
    ],
)
def test_wrong_input_is_one_line(words, message, fitted, tmp_path, capsys):
    (tmp_path / "who.csv").write_text("as it was")
    assert plan(fitted, tmp_path / "who.csv", *words) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("python -m sklearn_hrc plan: error: ")
    assert message in error
    assert (tmp_path / "who.csv").read_text() == "as it was"


def test_id_that_the_output_has_is_refused(fitted, tmp_path, capsys):
    people = read_table(fitted.home / "list.csv").rename(columns={"id": "cost"})
    people.to_csv(tmp_path / "list.csv", index=False)
    assert plan(fitted, tmp_path / "who.csv", "--id", "cost", people=tmp_path / "list.csv") == 2
    assert "id is expected to name no column that the output has, got 'cost'" in (
        capsys.readouterr().err
    )


def test_list_without_a_feature_is_one_line(fitted, tmp_path, capsys):
    people = read_table(fitted.home / "list.csv").rename(columns={"country": "land"})
    people.to_csv(tmp_path / "list.csv", index=False)
    assert plan(fitted, tmp_path / "who.csv", people=tmp_path / "list.csv") == 2
    assert "got none called 'country'" in capsys.readouterr().err
