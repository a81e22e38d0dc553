"""`plan`: say who on a list gets which arm, and write it to a file."""

from typing import Any

from sklearn_hrc._commands.extras import require
from sklearn_hrc._commands.outputs import check_output_file
from sklearn_hrc._commands.plan_text import plan_text
from sklearn_hrc._commands.planned import Planned, plan_for
from sklearn_hrc._commands.policy_folder import read_folder
from sklearn_hrc._commands.terminal import note, progress, say
from sklearn_hrc.report._writing import written_whole

__all__ = ["run"]


def run(options: Any) -> None:
    """Plan for a list.

    Parameters
    ----------
    options : Namespace
        Options of the command line.
    """
    require("plan", "pandas", "skrub", "skops")
    path = check_output_file(options.output, (".csv", ".parquet"), (options.list,))
    saved = read_folder(options.policy)
    progress(f"Planning for {options.list} ...")
    planned = plan_for(saved, options.list, options, options.id)
    frame = _table(planned)
    with written_whole(path) as file:
        if path.suffix.lower() == ".parquet":
            frame.to_parquet(file, index=False)
        else:
            frame.to_csv(file, index=False)
    say(plan_text(planned.plan, saved.manifest["outcomes"][0]))
    say(f"\nWho gets what is in {options.output}.")


def _table(planned: Planned) -> Any:
    """Return the table of the output: whom a row is for, the arm, and what is expected of it."""
    frame = planned.plan.to_frame()
    people = planned.people
    if twice := [name for name in people.columns if name in frame.columns]:
        raise ValueError(
            f"id is expected to name no column that the output has, got {twice[0]!r}; rename it "
            "in the list."
        )
    if not people.shape[1]:
        note(
            "No column of the list tells who is who, so that rows stand in the order of the list; "
            "name one by --id."
        )
    return people.join(frame)
