"""
E-mails of a shop (Hillstrom)
=============================

This is a real experiment in which a treatment has a fixed price. A shop sent its 64,000
customers, at random, an e-mail with men's merchandise, one with women's, or none. Does
a policy that chooses who gets which mail bring more visits to the site than simple rules
that send as many mails?

The file is fetched from its publisher, see :doc:`/datasets`.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc.datasets import fetch_hillstrom
from sklearn_hrc.metrics import (
    compare_budget_curves,
    cross_fit_outcomes,
    policy_overlap,
    policy_value,
)
from sklearn_hrc.model_selection import cross_fit_arms
from sklearn_hrc.plotting import BudgetCurveDisplay

MEN, WOMEN, NONE = "Mens E-Mail", "Womens E-Mail", "No E-Mail"
mails = fetch_hillstrom(target="visit", mail_price=1.0)
X, y = mails.data, mails.target
rows = {"treatment": mails.treatment, "cost": mails.cost}

# %%
# The price of a mail is set to 1, so that a spend of .5 for each customer is mails for
# half of them. The table has the mean of each arm with its standard error. The mail with
# men's merchandise brings most, and both mails cost the same.
everyone = {arm: policy_value(np.full(len(y), arm), y, **rows) for arm in (NONE, WOMEN, MEN)}
pd.DataFrame(
    {
        arm: {"visits": value.response, "±": value.response_se, "cost": value.cost}
        for arm, value in everyone.items()
    }
).T.round(4)

# %%
# The policy and the rules to beat
# --------------------------------
# In turn, the policy is fitted to two thirds of the customers and decides for the last third.
# So the policy that decides for a customer has not seen this customer. Budgets are
# mails for 10 %, 20 %, ..., 100 % of the customers.
budgets = np.linspace(0.1, 1.0, 10)
policy = make_pipeline(
    StandardScaler(),
    MultiTaskRepresenter(random_state=0),
    HiddenClusterer(n_clusters=64, random_state=0),
    ClusterBudgetAllocator(control=NONE, random_state=0),
)


def simple_rules(expected, seed):
    """Three rules, by name: arms at one or several budgets, (n_budgets, n_customers)."""
    likely = np.argsort(np.argsort(-expected[:, list(mails.treatments).index(NONE), 0]))
    either = np.random.default_rng(seed).choice([MEN, WOMEN], size=(1, len(y)))
    return {
        "random customers, either mail": either,
        "random customers, best mail": np.full((1, len(y)), MEN),
        "likely visitors, best mail": np.where(likely < budgets[:, None] * len(y), MEN, NONE),
    }


# %%
# The first two rules send to customers drawn at random, since a curve between nothing and
# everybody is a straight line. The last two rules know the best mail from the very rows that
# judge them, which flatters them. The third rule asks a regression who will visit *without* a
# mail, and sends to these customers. Many shops do that.
#
# Values are doubly robust, with expected outcomes from a cross-fitted ridge regression.
# Policies and rules are compared at equal *realised* spend, on the same resampled
# customers. All of this is repeated with other folds, since the folds are random, too.
spend = np.array([0.25, 0.5, 0.75])
splits = []
for seed in range(3):
    arms = cross_fit_arms(policy, X, y, budgets=budgets, cv=3, random_state=seed, **rows)
    expected = cross_fit_outcomes(X, y, random_state=seed, **rows)
    judge = {**rows, "control": NONE, "method": "doubly-robust", "outcomes": expected}
    rules = simple_rules(expected, seed)
    splits.append(
        {
            name: compare_budget_curves(arms, rule, y, spend=spend, random_state=seed, **judge)
            for name, rule in rules.items()
        }
    )

# %%
# What it gains
# -------------
# The table has the additional visits per 1,000 customers that the policy brings, against a
# rule at the same spend. Each split has 95 % intervals. Estimates and bounds in the table are
# medians over the splits. The level is then at least 90 % (`arXiv:1712.04802
# <https://arxiv.org/abs/1712.04802>`_).


def medians(name):
    """Estimate and bounds of the difference to a rule, medians over splits, (3, n_spends)."""
    found = [split[name] for split in splits]
    return 1000 * np.median(
        [[f.gain_difference, *f.gain_difference_interval] for f in found], axis=0
    )


table = {
    f"than {name}": [f"{m:+.1f} ({low:+.1f} to {high:+.1f})" for m, low, high in medians(name).T]
    for name in rules
}
pd.DataFrame.from_dict(table, orient="index", columns=[f"spend {s}" for s in spend])

# %%
# The figure shows the same at mails for half of the customers. If an interval contains zero,
# this experiment cannot tell policy and rule apart.
fig, ax = plt.subplots(figsize=(5.2, 3), layout="constrained")
for i, name in enumerate(rules):
    for j, split in enumerate(splits):
        low, high = 1000 * split[name].gain_difference_interval[:, 1]
        place = i + (j - 1) / 6
        ax.plot([low, high], [place, place], color="0.35")
        ax.plot(1000 * split[name].gain_difference[1], place, "o", color="0.35", markersize=4)
ax.axvline(0, color="0.6", linestyle="--", linewidth=1)
ax.set_yticks(range(len(rules)), list(rules))
ax.invert_yaxis()
ax.set_xlabel("more visits per 1,000 customers")
plt.show()

# %%
# The policy is better than mails of either kind to random customers: it has learnt which
# mail works. Against the better mail for random customers the policy gains where a quarter of
# them get one. At half, zero is just inside the interval. Where all get a mail, there is nothing
# left to choose. The policy does not beat the simple rule. A mail brings more visits from
# customers who visit anyway. A regression knows these customers better than anything knows the
# *effects*, which are smaller than the visits and much noisier. Before you serve a policy, it has
# to win against such rules on your own rows.
#
# The next figure has the curves of the last split, over all budgets. The band is the interval of
# the policy alone. Two curves whose difference is certain may have bands that overlap, since the
# curves are of the same customers.
_, ax = plt.subplots(layout="constrained")
curves = {"policy": arms, **rules}
for style, (name, given) in zip(["-", ":", "--", "-."], curves.items()):
    BudgetCurveDisplay.from_predictions(
        given,
        y,
        **judge,
        confidence=0.95 if name == "policy" else None,
        name=name,
        response_name="visits",
        ax=ax,
        plot_reference=False,
        line_kwargs={"linestyle": style, "marker": ""},
    )
plt.show()

# %%
# The last table says how much of the experiment supports the policy at that spend. Enough
# customers received what the policy would have given them, and none of them weighs much.
pd.DataFrame(policy_overlap(arms[4], treatment=mails.treatment)).round(5)
