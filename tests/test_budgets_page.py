"""The example of the page on budgets runs as it stands and prints what the page shows."""

import contextlib
import io
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "guide" / "budgets.md"


def table_of(text):
    """Wishes with their cost and response."""
    rows = re.findall(r"^(.+?) {2,}(\d+\.\d+) +(\d+\.\d+)$", text, re.M)
    return {wish: (float(cost), float(response)) for wish, cost, response in rows}


@pytest.mark.slow
def test_the_example_prints_what_is_shown():
    pytest.importorskip("pandas")
    (code, shown), *others = re.findall(
        r"```python\n([^`]*)```\n\n```\n([^`]*)```", PAGE.read_text()
    )
    assert others == []
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, str(PAGE), "exec"), {})
    expected, found = table_of(shown), table_of(printed.getvalue())
    assert len(expected) == 8
    assert list(found) == list(expected)
    # Another processor may round another way.
    for wish, values in expected.items():
        assert found[wish] == pytest.approx(values, abs=0.011)
