"""
Cash for a test result (Thornton)
=================================

This is a real experiment in which a treatment costs something only where it works. In rural
Malawi people were tested for HIV. Each drew a voucher by lottery, to be paid if they
came to learn their result. Which vouchers bring most people for the money?

The data come with the package causaldata, see :doc:`/datasets`.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc.datasets import load_thornton_hiv
from sklearn_hrc.metrics import (
    compare_budget_curves,
    cross_fit_outcomes,
    policy_value,
)
from sklearn_hrc.model_selection import cross_fit_arms
from sklearn_hrc.plotting import BudgetCurveDisplay

cash = load_thornton_hiv()
# The results of the tests are data, too, but nobody knew them when vouchers were drawn.
X, y = cash.data[["age", "distance", "second_lottery"]], cash.target["got"]
rows = {"treatment": cash.treatment, "cost": cash.cost}
known = {**rows, "propensity": cash.propensity}

# %%
# Arms are bins of the voucher, named by the mean of the bin in US$. The share that comes rises
# steeply with the first cents and then hardly. A voucher costs about its value
# times that share. Villages drew in two lotteries with different odds, so every row has
# its propensity. Standard errors are those of villages, not of persons.
pd.DataFrame(
    {
        f"{arm:.2f} US$": {"came": value.response, "±": value.response_se, "cost": value.cost}
        for arm in cash.treatments
        for value in [policy_value(np.full(len(y), arm), y, groups=cash.groups, **known)]
    }
).transpose().round(3)

# %%
# The policy and the rules to beat
# --------------------------------
# As in :doc:`plot_hillstrom`, the policy that decides for a person was fitted to
# other persons, here to other villages.
budgets = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.5])
policy = make_pipeline(
    StandardScaler(),
    MultiTaskRepresenter(random_state=0),
    HiddenClusterer(n_clusters=16, random_state=0),
    ClusterBudgetAllocator(random_state=0),
)
nothing, small, middle, large, _ = cash.treatments


def simple_rules(expected):
    """Rules by name: arms at one or several budgets, (n_budgets, n_persons)."""
    unlikely = np.argsort(np.argsort(expected[:, 0, 0]))  # to come without a voucher
    shares = np.linspace(0.1, 1.0, 10)[:, None]
    single = {arm: np.full((1, len(y)), arm) for arm in (small, middle, large)}
    return {
        f"{small:.2f} US$ for random persons": single[small],
        f"{middle:.2f} US$ for random persons": single[middle],
        f"{small:.2f} US$ for the unlikely": np.where(unlikely < shares * len(y), small, nothing),
        "best random mix of vouchers": np.concatenate(list(single.values())),
    }


# %%
# The third rule gives the small voucher to persons who are least likely to come without one,
# by a regression. A voucher for somebody who comes anyway is money lost. The last rule tosses
# coins between the two arms that are best at each spend, for everybody alike. It knows these
# arms from the very rows that judge it. This rule has all that a policy can gain *without*
# looking at the person.
spend = np.array([0.15, 0.3, 0.6])
splits = []
for seed in range(3):
    folds = {"groups": cash.groups, "random_state": seed}
    arms = cross_fit_arms(policy, X, y, budgets=budgets, **folds, **known)
    expected = cross_fit_outcomes(X, y, **folds, **rows)
    judge = {
        **known,
        "control": nothing,
        "method": "doubly-robust",
        "outcomes": expected,
        "groups": cash.groups,
    }
    rules = simple_rules(expected)
    splits.append(
        {
            name: compare_budget_curves(arms, rule, y, spend=spend, random_state=seed, **judge)
            for name, rule in rules.items()
        }
    )

# %%
# What it gains
# -------------
# The table has how many more of 1,000 persons come than with the rule at the same spend, with
# 95 % intervals. Its entries are medians over the splits, of level 90 % at least
# (`arXiv:1712.04802 <https://arxiv.org/abs/1712.04802>`_).


def medians(name):
    """Estimate and bounds of the difference to a rule, medians over splits, (3, n_spends)."""
    found = [split[name] for split in splits]
    return 1000 * np.median(
        [[f.gain_difference, *f.gain_difference_interval] for f in found], axis=0
    )


table = {
    f"than {name}": [f"{m:+.0f} ({low:+.0f} to {high:+.0f})" for m, low, high in medians(name).T]
    for name in rules
}
pd.DataFrame.from_dict(table, orient="index", columns=[f"spend {s}" for s in spend])

# %%
# One voucher for random persons is a poor rule. Where money is scarce, a larger voucher
# reaches too few. Where there is more money, the small voucher cannot use it. For everybody
# the small voucher costs .23, and at larger spends its two rules leave money unspent. Against
# the best mix of vouchers, which does not look at persons, no gain can be seen at any spend.
# So most of the gain comes from knowing the *arms*. Age, distance and lottery say little about
# who has to be paid, as far as 2,834 persons can tell.
#
# The figure has the curves of the last split.
_, ax = plt.subplots(layout="constrained")
shown = [f"{middle:.2f} US$ for random persons", "best random mix of vouchers"]
curves = {"policy": arms, **{name: rules[name] for name in shown}}
for style, (name, given) in zip(["-", ":", "--"], curves.items()):
    BudgetCurveDisplay.from_predictions(
        given,
        y,
        **judge,
        confidence=0.95 if name == "policy" else None,
        name=name,
        response_name="share that comes",
        ax=ax,
        plot_reference=False,
        line_kwargs={"linestyle": style, "marker": ""},
    )
plt.show()
