"""The main job, on few rows and on the real experiments where they are."""

import os
import re
import sys
from urllib.error import URLError

import pytest

pytest.importorskip("pandas")
pytest.importorskip("matplotlib")

from sklearn_hrc._main_job import BUDGET_SHARES, main


def run(arguments, tmp_path, capsys):
    picture = tmp_path / "curve.png"
    search = main([*arguments, "--output", str(picture)])
    assert picture.stat().st_size > 10_000
    return search, capsys.readouterr().out


def test_prints_a_line_for_each_budget(tmp_path, capsys):
    search, printed = run(["--rows", "1500"], tmp_path, capsys)
    lines = printed.splitlines()
    first = next(i for i, line in enumerate(lines) if line.lstrip().startswith("budget")) + 1
    rows = lines[first : first + len(BUDGET_SHARES)]
    budgets = [float(row.split()[0]) for row in rows]
    assert budgets == sorted(budgets)
    for row in rows:  # shares of the arms, as printed, add up
        shares = [int(word) for word in row.split()[-5:]]
        assert abs(sum(shares) - 100) <= 2
    assert search.best_estimator_[-1].budget_ > 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("hillstrom", r"hillstrom\.csv could not be downloaded from .* no line"),
        ("thornton", r"thornton_hiv\.csv was not found in "),
    ],
)
def test_missing_data_is_one_sentence(data, message, tmp_path, monkeypatch, capsys):
    def offline(*arguments, **keywords):
        raise URLError("no line")

    monkeypatch.setenv("SKLEARN_HRC_DATA", str(tmp_path))
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    monkeypatch.setitem(sys.modules, "causaldata", None)
    monkeypatch.setattr("sklearn_hrc.datasets._download.fetch_file", offline)
    with pytest.raises(SystemExit):
        main(["--data", data])
    error = capsys.readouterr().err.splitlines()[-1]
    assert re.match(f"python -m sklearn_hrc: error: {message}", error)


@pytest.mark.slow
@pytest.mark.skipif(
    "SKLEARN_HRC_DATA" not in os.environ,
    reason="REAL DATA SKIPPED: SKLEARN_HRC_DATA does not name its folder",
)
@pytest.mark.parametrize("data", ["hillstrom", "thornton"])
def test_real_experiments(data, tmp_path, capsys):
    search, printed = run(["--data", data], tmp_path, capsys)
    assert "Best number of clusters" in printed
    allocator = search.best_estimator_[-1]
    assert allocator.expected_cost_ <= allocator.budget_ * (1 + 1e-12)


@pytest.mark.parametrize("package", ["pandas", "matplotlib"])
def test_a_missing_package_is_said_with_its_extra(package, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SystemExit):
        main(["--rows", "1500"])
    assert f'requires {package}: install it with pip install "sklearn-hrc[plot]"' in " ".join(
        capsys.readouterr().err.split()
    )
