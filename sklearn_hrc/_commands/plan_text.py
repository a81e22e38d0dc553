"""A plan for a list as text for a terminal."""

from sklearn_hrc._commands.terminal import aligned, wrapped
from sklearn_hrc._html import number
from sklearn_hrc.planning import ListPlan

__all__ = ["plan_text"]

_MOST_MOVES = 6


def plan_text(plan: ListPlan, response: str) -> str:
    """Return what a plan spends and brings, who gets what, and what a little budget more buys.

    Parameters
    ----------
    plan : ListPlan
        The plan.
    response : str
        Name of the response.

    Returns
    -------
    text : str
        Lines that fit 80 columns.
    """
    parts = [wrapped(_sentences(plan, response)), _arms(plan, response), _moves(plan, response)]
    return "\n\n".join(part for part in parts if part)


def _sentences(plan, response):
    """Say what is spent and what is expected of it."""
    told = [
        f"{len(plan.arms):,} people; the plan costs {_with_error(plan.total_cost, 1, plan)} of a "
        f"total budget of {number(plan.total_budget)}.",
        f"A total {response} of {_with_error(plan.total_response, 0, plan)} is expected.",
    ]
    if plan.shadow_price > 0:
        told.append(f"One further unit of budget would bring {number(plan.shadow_price)}.")
    else:
        told.append("More budget would bring nothing, as far as the policy can tell.")
    if plan.status != "optimal":
        told.append("It is not proven that no better plan exists.")
    return told


def _with_error(value, which, plan):
    error = (plan.total_response_se, plan.total_cost_se)[which]
    return f"{number(value)} (standard error {number(error)})"


def _arms(plan, response):
    """Say who gets what."""
    summary = plan.summary()
    rows = [
        (
            str(label),
            f"{row.individuals:,}",
            f"{100 * row.share:.1f} %",
            number(row.cost),
            number(row.response),
        )
        for label, row in zip(summary.index, summary.itertuples())
    ]
    return aligned(("arm", "people", "share", "cost", _short(response)), rows)


def _moves(plan, response):
    """Say what a little less and a little more budget would change, the largest moves first."""
    moves = plan.explain()
    if not len(moves):
        return ""
    keys = ["step", "source", "target"]
    moves = moves.groupby(keys, sort=False, as_index=False)[["individuals", "response", "cost"]]
    moves = moves.sum()
    parts = []
    for step, head in (
        ("next", "What 1 % more would buy, about:"),
        ("last", "What 1 % less would give up, about:"),
    ):
        mine = moves[moves["step"] == step]
        mine = mine.sort_values("individuals", ascending=False, kind="stable")[:_MOST_MOVES]
        if len(mine):
            rows = [
                (
                    str(row.source),
                    str(row.target),
                    number(row.individuals),
                    number(row.cost),
                    number(row.response),
                )
                for row in mine.itertuples()
            ]
            heads = ("from", "to", "people", "cost", _short(response))
            parts.append(f"{head}\n{aligned(heads, rows, 2)}")
    return "\n\n".join(parts)


def _short(name):
    return name if len(name) <= 14 else f"{name[:11]}..."
