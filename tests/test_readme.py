"""The README's example runs as it stands and prints what the README shows."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest
import sklearn

from sklearn_hrc._commands.command_line import parser_of

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"


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


def test_own_table_is_that_of_the_page():
    # The test of the page runs it.
    blocks = [
        re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.S)
        for page in ("README.md", "docs/guide/own_table.md")
    ]
    assert blocks[0][1] == blocks[1][0]


def test_commands_on_files_take_what_they_are_given():
    text = README.read_text().replace("\\\n", " ")
    lines = re.findall(r"^python -m sklearn_hrc (\w+) (.*)$", text, re.M)
    assert [command for command, _ in lines] == ["fit", "plan", "report"]
    options = [parser_of(command).parse_args(shlex.split(rest)) for command, rest in lines]
    assert options[0].output == options[1].policy == options[2].policy
