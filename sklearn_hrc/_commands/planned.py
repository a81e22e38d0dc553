"""A plan for a list by a saved policy."""

from typing import Any, NamedTuple

from sklearn_hrc._commands.policy_folder import SavedPolicy
from sklearn_hrc._commands.rule_words import rules_of
from sklearn_hrc._commands.terminal import note
from sklearn_hrc.planning import ListPlan, plan_list
from sklearn_hrc.tables._named_columns import missing_column
from sklearn_hrc.tables._reading import read_file

__all__ = ["Planned", "plan_for"]


class Planned(NamedTuple):
    """A plan and whom it is for.

    Attributes
    ----------
    plan : ListPlan
        Who gets what.
    people : DataFrame of shape (n_rows, n_ids)
        Columns that tell the people of the list apart.
    """

    plan: ListPlan
    people: Any


def plan_for(saved: SavedPolicy, path: str, options: Any, ids: list[str] | None) -> Planned:
    """Read a list and plan for it.

    Parameters
    ----------
    saved : SavedPolicy
        Policy.
    path : str
        File of the list.
    options : Namespace
        With the budget, the rules and the household.
    ids : list of str or None
        Columns to keep. None: those that looked like ids in the experiment, if they are there.

    Returns
    -------
    planned : Planned
        In the order of the list.
    """
    manifest = saved.manifest
    rules = rules_of(options.rule, manifest["arms"], manifest["outcomes"])
    wanted = manifest["ids"] if ids is None else ids
    # An id is no number: 00123 keeps its noughts. What the policy reads stays as it was.
    text = [name for name in wanted if name not in manifest["features"]]
    frame, notes = read_file(path, "list", text=text)
    for told in notes:
        note(told)
    household = options.same_arm_within
    if household is not None and household not in frame.columns:
        raise missing_column(household, frame.columns, "same-arm-within")
    for name in ids or ():
        if name not in frame.columns:
            raise missing_column(name, frame.columns, "id")
    plan = plan_list(
        saved.policy,
        frame,
        total_budget=options.total_budget,
        budget=options.budget,
        rules=rules,
        same_arm_within=household,
    )
    return Planned(plan, frame[[name for name in wanted if name in frame.columns]])
