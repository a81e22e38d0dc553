"""`report`: write a page for those who decide."""

from pathlib import Path
from typing import Any

from sklearn_hrc._commands.command_line import parser_of
from sklearn_hrc._commands.experiment_table import read_experiment
from sklearn_hrc._commands.extras import require
from sklearn_hrc._commands.manifest import digest
from sklearn_hrc._commands.outputs import check_output_file
from sklearn_hrc._commands.planned import plan_for
from sklearn_hrc._commands.policy_folder import SavedPolicy, read_folder
from sklearn_hrc._commands.terminal import note, progress, say
from sklearn_hrc.report import write_report
from sklearn_hrc.tables import Rows

__all__ = ["run"]


def run(options: Any) -> None:
    """Write the page.

    Parameters
    ----------
    options : Namespace
        Options of the command line.
    """
    _check_wishes(options)
    require("report", "pandas", "skrub", "skops", "jinja2", "matplotlib")
    inputs = tuple(one for one in (options.list, options.campaign) if one is not None)
    path = check_output_file(options.output, (".html", ".htm"), inputs)
    saved = read_folder(options.policy)
    plan = None
    if options.list is not None:
        progress(f"Planning for {options.list} ...")
        plan = plan_for(saved, options.list, options, None).plan
    rows = _rows(saved, options.campaign)
    progress("Writing the page ...")
    write_report(
        path,
        saved.policy,
        evaluation=saved.evaluation,
        plan=plan,
        rows=rows,
        title=options.title,
        names=None if options.currency is None else {"cost_unit": options.currency},
    )
    say(f"The page is {options.output}.")


def _check_wishes(options):
    """Refuse what says how to plan where there is no list."""
    if options.list is None:
        for name in ("total_budget", "budget", "rule", "same_arm_within"):
            if getattr(options, name):
                parser_of("report").error(
                    f"--{name.replace('_', '-')} is expected together with --list, got no list."
                )


def _rows(saved: SavedPolicy, campaign: str | None) -> Rows | None:
    """Return the rows of the experiment, or None with a note where its table is not there."""
    table = saved.manifest["table"]
    if campaign is None:
        path = Path(str(table.get("path")))
        if not path.is_file() or digest(path) != table.get("sha256"):
            what = "has changed" if path.is_file() else "is not there"
            note(
                f"The table of the experiment, {path.name}, {what}, so that the page does not say "
                "how people differ; name it by --campaign."
            )
            return None
        campaign = str(path)
    elif Path(campaign).is_file() and digest(Path(campaign)) != table.get("sha256"):
        raise ValueError(
            f"campaign is expected to be the table that fit read, got {campaign!r}, which is "
            "another one or has changed."
        )
    progress(f"Reading {campaign} ...")
    return read_experiment(campaign, saved.manifest["columns"], "campaign").rows
