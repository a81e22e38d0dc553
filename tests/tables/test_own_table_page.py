"""The code of the page "From your table" runs on such a table."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
import sklearn

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "own_table.md"
pd = pytest.importorskip("pandas")
pytest.importorskip("skrub")


def customers(n_rows, seed):
    """Return customers as the page has them."""
    rng = np.random.default_rng(seed)
    since = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng.integers(0, 1400, n_rows), unit="D")
    return pd.DataFrame(
        {
            "customer_id": [f"C{seed}{row:06d}" for row in range(n_rows)],
            "since": since.strftime("%d.%m.%Y"),
            "plan": rng.choice(["free", "basic", "plus"], n_rows),
            "last_spend": rng.lognormal(2, 1, n_rows).round(2),
            "household_id": [f"H{home:06d}" for home in rng.integers(0, n_rows, n_rows)],
        }
    )


@pytest.mark.slow
def test_the_code_of_the_page_runs(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    table = customers(800, 1)
    table["coupon"] = rng.choice(["none", "5_off", "free_ship"], len(table))
    table["orders"] = rng.poisson(0.3, len(table))
    table["gmv"] = (table["orders"] * rng.lognormal(3, 0.3, len(table))).round(2)
    price = table["coupon"].map({"none": np.nan, "5_off": 5.0, "free_ship": 4.2})
    table["coupon_cost"] = table["orders"] * price
    table.to_csv(tmp_path / "campaign.csv", sep=";", decimal=",", index=False)
    customers(900, 2).to_csv(tmp_path / "next_month.csv", index=False)
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    printed = io.StringIO()
    with sklearn.config_context(), contextlib.redirect_stdout(printed):
        exec(compile(code, str(PAGE), "exec"), {})
    assert "800 rows, 3 features (1 number, 1 date, 1 category)" in printed.getvalue()
    written = pd.read_csv("who_gets_what.csv")
    assert len(written) == 900
    assert written["cost"].sum() <= 4000
    assert set(written["treatment"]) <= {"none", "5_off", "free_ship"}
