"""What can be typed."""

import shlex
import subprocess
import sys

import pytest

from sklearn_hrc._commands.command_line import COMMANDS, list_of_commands, parser_of
from sklearn_hrc._commands.run import main
from sklearn_hrc._version import __version__

FIT = ["t.csv", "--treatment", "a", "--outcome", "y", "--cost", "c", "-o", "p"]


@pytest.mark.parametrize("command", COMMANDS)
def test_example_of_the_help_can_be_typed(command):
    lines = list_of_commands().replace("\\\n", " ").splitlines()
    (example,) = [line for line in lines if f"sklearn_hrc {command} " in line]
    words = shlex.split(example)[4:]
    options = parser_of(command).parse_args(words)
    assert options.output in words
    assert example.split("sklearn_hrc ")[1].split()[0] in parser_of(command).format_help()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_terminal(command, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 90
    assert "example:" in printed


@pytest.mark.parametrize("words", [["--version"], ["fit", "--version"]])
def test_version(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"sklearn-hrc {__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fti"], "got 'fti'; the nearest is 'fit'."),
        (["fit", *FIT, "--folds", "1"], "--folds: 0, or 2 and more, is expected, got '1'"),
        (["fit", *FIT, "--budget", "inf"], "--budget: a number such as 1.5 is expected, got 'inf'"),
        (["fit", *FIT, "--budget", "1,5"], "--budget: a number such as 1.5 is expected, got '1,5'"),
        (["fit", *FIT, "--clusters", "0"], "--clusters: a whole number of at least 1"),
        (["fit", *FIT, "--random-state", "-1"], "--random-state"),
        (["fit", *FIT, "--arm-cost", "a=1"], "not allowed with argument --cost"),
        (["fit", *FIT, "--treat", "a"], "unrecognized arguments: --treat a"),
        (["plan", "l.csv", "-o", "w.csv"], "required: --policy"),
        (
            ["report", "--policy", "p", "-o", "r.html", "--total-budget", "1"],
            "--total-budget is expected together with --list",
        ),
    ],
)
def test_wrong_words_are_one_line(words, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("python -m sklearn_hrc")
    assert message in error


@pytest.mark.slow
@pytest.mark.parametrize("words", [["--help"], ["--version"], ["plan", "--help"]])
def test_help_loads_nothing_heavy(words):
    code = (
        "import sys; sys.modules['pandas'] = None\n"  # scikit-learn takes it where it is
        "from sklearn_hrc._commands.run import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as ended: assert ended.code == 0\n"
        "found = {'torch', 'mip', 'skrub', 'skops', 'matplotlib'} & set(sys.modules)\n"
        "assert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout
