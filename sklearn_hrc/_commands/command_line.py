"""What can be typed: the commands, their options and their help."""

import argparse
import difflib
import math

from sklearn_hrc._version import __version__

__all__ = ["COMMANDS", "PROGRAM", "check_command", "list_of_commands", "parser_of"]

PROGRAM = "python -m sklearn_hrc"
COMMANDS = {
    "fit": "learn a policy from the table of an experiment, and judge it",
    "plan": "say who on a list gets which arm, within a budget",
    "report": "write a page for those who decide",
}
_EXAMPLES = {
    "fit": "fit campaign.csv --treatment coupon --outcome gmv orders \\\n"
    "      --cost coupon_cost --control none -o policy",
    "plan": "plan next_month.csv --policy policy --total-budget 15000 \\\n"
    '      --rule "max_share 10_off 0.2" -o who_gets_what.csv',
    "report": "report --policy policy -o report.html",
}
_RULES = """rules (quote an arm that has spaces; several arms count together):
  max_share ARM ... SHARE              at most a share of all, such as 0.2
  min_share ARM ... SHARE              at least a share of all
  max_individuals ARM ... NUMBER       at most so many people
  max_spend ARM ... AMOUNT             at most so much, per person of all
  max_total_spend ARM ... AMOUNT       at most so much in all
  min_return NUMBER                    response gained for a unit of cost
  min_outcome OUTCOME MEAN             at least this mean of an outcome
  forbid ARM ... where CONDITION       not for these people; plan and report only
"""
_SEED = "seed of every draw; the same table and seed give the same policy (default: 0)"


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def __init__(self, **given):
        super().__init__(
            **given, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
        )

    def error(self, message):
        """End with what is wrong, without the usage."""
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())}\n")


def list_of_commands() -> str:
    """Return the commands with an example each, for the help of the program."""
    lines = ["commands on files (each has a --help of its own):"]
    for name, purpose in COMMANDS.items():
        lines += [f"  {name:<7} {purpose}", f"    {PROGRAM} {_EXAMPLES[name]}"]
    lines += ["", "Exit codes: 0 done, 1 failed, 2 wrong command line or input, 130 interrupted."]
    return "\n".join(lines)


def check_command(word: str) -> None:
    """End with an error where a word is no command."""
    if word not in COMMANDS:
        near = difflib.get_close_matches(word, COMMANDS, n=1, cutoff=0.5)
        hint = f"; the nearest is {near[0]!r}" if near else ""
        _Parser(prog=PROGRAM).error(
            f"a command is expected to be fit, plan or report, got {word!r}{hint}."
        )


def parser_of(command: str) -> argparse.ArgumentParser:
    """Return the parser of a command.

    Parameters
    ----------
    command : {"fit", "plan", "report"}
        Name of the command.

    Returns
    -------
    parser : ArgumentParser
        Its errors are one line, and end with exit code 2.
    """
    parser = _Parser(
        prog=f"{PROGRAM} {command}",
        description=f"{COMMANDS[command][0].upper()}{COMMANDS[command][1:]}.",
        epilog=f"{_RULES}\nexample:\n  {PROGRAM} {_EXAMPLES[command]}",
    )
    parser.add_argument("--version", action="version", version=f"sklearn-hrc {__version__}")
    {"fit": _add_fit, "plan": _add_plan, "report": _add_report}[command](parser)
    return parser


def _add_fit(parser):
    parser.add_argument("table", metavar="TABLE", help="CSV or Parquet file of the experiment")
    _add_columns(parser.add_argument_group("columns of the table (all others are features)"))
    policy = parser.add_argument_group("policy")
    policy.add_argument("--control", metavar="ARM", help="the arm that means 'nothing'")
    policy.add_argument(
        "--budget",
        type=_number,
        metavar="AMOUNT",
        help="mean cost per person (default: what the experiment spent)",
    )
    _add_rule(policy)
    policy.add_argument(
        "--clusters", type=_count(1), metavar="N", help="groups of people (default: 64 at most)"
    )
    policy.add_argument(
        "--max-epochs",
        type=_count(1),
        metavar="N",
        help="passes of the networks over the rows, fewer for a quick trial (default: enough)",
    )
    policy.add_argument("--random-state", type=_seed, default=0, metavar="SEED", help=_SEED)
    policy.add_argument(
        "--folds",
        type=_folds,
        default=5,
        metavar="N",
        help="parts that are held out in turn to judge the policy; 0 leaves it out (default: 5)",
    )
    _add_output(parser, "folder of the policy; the folder of an older policy is replaced")


def _add_columns(columns):
    columns.add_argument("--treatment", required=True, metavar="COLUMN", help="the arm received")
    columns.add_argument(
        "--outcome",
        required=True,
        nargs="+",
        metavar="COLUMN",
        help="what happened; the first one is to be raised",
    )
    cost = columns.add_mutually_exclusive_group(required=True)
    cost.add_argument("--cost", metavar="COLUMN", help="what the received arm cost")
    cost.add_argument(
        "--arm-cost",
        nargs="+",
        metavar="ARM=PRICE",
        help="known price of every arm, in place of --cost",
    )
    columns.add_argument("--groups", metavar="COLUMN", help="household, which is never divided")
    columns.add_argument("--propensity", metavar="COLUMN", help="probability of the received arm")
    for name, what in (
        ("--ignore", "columns that are no features"),
        ("--keep", "columns that are features, though they look like ids or leaks"),
    ):
        columns.add_argument(name, nargs="+", default=[], metavar="COLUMN", help=what)


def _add_plan(parser):
    parser.add_argument("list", metavar="LIST", help="CSV or Parquet file with a row for everybody")
    _add_policy(parser)
    _add_wishes(parser.add_argument_group("what the plan keeps"))
    parser.add_argument(
        "--id",
        nargs="+",
        metavar="COLUMN",
        help="columns of the list that go into the output "
        "(default: those that looked like ids in the experiment)",
    )
    _add_output(parser, "CSV or Parquet file to write")


def _add_report(parser):
    _add_policy(parser)
    parser.add_argument(
        "--campaign",
        metavar="TABLE",
        help="table of the experiment, for who gets what in words of its columns "
        "(default: where fit read it, if it is still the same)",
    )
    parser.add_argument("--title", metavar="TEXT", help="heading of the page")
    parser.add_argument("--currency", metavar="UNIT", help="unit of costs, such as EUR")
    plan = parser.add_argument_group("a list whose plan the page shows")
    plan.add_argument("--list", metavar="LIST", help="CSV or Parquet file, as for plan")
    _add_wishes(plan)
    _add_output(parser, "HTML file to write")


def _add_policy(parser):
    parser.add_argument("--policy", required=True, metavar="FOLDER", help="folder that fit wrote")


def _add_wishes(group):
    budget = group.add_mutually_exclusive_group()
    budget.add_argument(
        "--total-budget", type=_number, metavar="AMOUNT", help="what the whole list may cost"
    )
    budget.add_argument(
        "--budget",
        type=_number,
        metavar="AMOUNT",
        help="mean cost per person (default, without --total-budget: that of the policy)",
    )
    _add_rule(group)
    group.add_argument(
        "--same-arm-within", metavar="COLUMN", help="household, whose people get the same arm"
    )


def _add_rule(group):
    group.add_argument(
        "--rule", action="append", default=[], metavar="RULE", help="see below; may be repeated"
    )


def _add_output(parser, what):
    parser.add_argument("-o", "--output", required=True, metavar="PATH", help=what)


def _number(text):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"a number such as 1.5 is expected, got {text!r}")
    return value


def _count(least):
    def count(text):
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(
                f"a whole number of at least {least} is expected, got {text!r}"
            )
        return int(text)

    return count


def _folds(text):
    if not text.isdecimal() or int(text) == 1:
        raise argparse.ArgumentTypeError(f"0, or 2 and more, is expected, got {text!r}")
    return int(text)


def _seed(text):
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(
            f"a whole number from 0 to {2**32 - 1} is expected, got {text!r}"
        )
    return int(text)
