"""The README's example runs as it stands and prints what the README shows."""

import contextlib
import io
import re
from pathlib import Path

import pytest
import sklearn

README = Path(__file__).resolve().parents[1] / "README.md"


@pytest.mark.slow
def test_example_prints_what_is_shown():
    pytest.importorskip("pandas")
    code, shown = re.search(
        r"```python\n(.*?)```\n\n```\n(.*?)```", README.read_text(), re.S
    ).groups()
    printed = io.StringIO()
    with sklearn.config_context(), contextlib.redirect_stdout(printed):
        exec(compile(code, str(README), "exec"), {})
    numbers = [
        [float(number) for number in re.findall(r"[\d.]+\d|\d", text)]
        for text in (printed.getvalue(), shown)
    ]
    # another processor may round another way: arms are coupons, values agree roughly
    assert len(numbers[0]) == len(numbers[1])
    assert set(numbers[0][:10]) <= {0, 5, 10, 15, 20}
    assert numbers[0][10:] == pytest.approx(numbers[1][10:], rel=0.05)
