"""
Cash for a test result (Thornton)
=================================

This is a real experiment in which a treatment costs something only where it works. In rural
Malawi people were tested for HIV. Each drew a voucher by lottery, to be paid if they
came to learn their result. Which vouchers bring most people for the money?

The data come with the package causaldata, see :doc:`/datasets`.
"""

import matplotlib.pyplot as plt
import pandas as pd
import sklearn

from sklearn_hrc.datasets import load_thornton_hiv
from sklearn_hrc.evaluation import evaluate
from sklearn_hrc.plotting import BudgetCurveDisplay
from sklearn_hrc.tables import make_policy

sklearn.set_config(enable_metadata_routing=True)
cash = load_thornton_hiv()
# The results of the tests are data, too, but nobody knew them when vouchers were drawn.
X, y = cash.data[["age", "distance", "second_lottery"]], cash.target["got"]
rows = {name: cash[name] for name in ("treatment", "cost", "propensity", "groups")}
policy = make_policy(budget=0.3, n_clusters=16, random_state=0)

# %%
# Arms are bins of the voucher, named by the mean of the bin in US$. Villages drew in two lotteries
# with different odds, so every row has its propensity. Villages are kept in one fold, and errors
# are those of villages, not of persons. With so few persons the draw of the folds matters, so
# all is done with three sets of folds. The sentences are those of the first set.
budgets = [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2]
evaluations = [
    evaluate(policy, X, y, **rows, budgets=budgets, random_state=seed) for seed in range(3)
]
print("\n".join(evaluations[0].sentences()))

# %%
# The share that comes rises steeply with the first cents and then hardly. A voucher costs
# about its value times that share.
arms = evaluations[0].by_arm.to_frame().set_index("treatment")
arms[["response", "response_se", "cost", "share", "n_matched"]].round(3)

# %%
# Is there anything to target? A slope is 1 if persons differ as the policy predicted, and 0 if the
# predicted differences are noise. The last row of an outcome is of all vouchers together.
# Predicted costs are borne out: a voucher costs something only where somebody comes, and some
# persons come more often than others. Whether they come *because* of the voucher is another
# question. No predicted difference in that is borne out.
evaluations[0].effects.to_frame().round(3)

# %%
# What does each budget buy?
# --------------------------
# The best mix of arms tosses a coin between two vouchers, for everybody alike. It has all that a
# policy can gain *without* looking at the person. The band is the interval of the policy alone.
_, ax = plt.subplots(layout="constrained")
for rule, at in evaluations[0].curve.to_frame().groupby("rule", sort=False):
    points = at[["spend", "gain", "spend_se", "gain_se"]].to_dict("series")
    level = 0.95 if rule == "policy" else None
    BudgetCurveDisplay(**points, confidence=level, name=rule, response_name="share").plot(ax)
plt.show()

# %%
# The next figure has the differences at equal spend for 1,000 persons, with 95 % intervals, one
# over the other for the three sets of folds.
_, axes = plt.subplots(1, 3, sharey=True, figsize=(9, 3), layout="constrained")
curves = pd.concat([one.curve.to_frame() for one in evaluations], keys=range(3), names=["folds"])
for ax, (rule, found) in zip(axes, curves.query("rule != 'policy'").groupby("rule", sort=False)):
    for _, at in found.groupby("folds"):
        low, high = 1000 * at.difference_low, 1000 * at.difference_high
        ax.fill_between(at.budget, low, high, color="C0", alpha=0.2)
        ax.plot(at.budget, 1000 * at.difference, color="C0")
    ax.axhline(0, color="0.4", linestyle="--", linewidth=1)
    ax.set(xlabel="budget per person", ylabel="more persons come")
    ax.set_title(f"than {rule}", fontsize="medium")
    ax.label_outer()
plt.show()

# %%
# One voucher is a poor rule where the budget lies between the costs of two: at 0.4 to 0.6 US$, and
# from 1 US$ on. There the policy brings more in all three sets, since it finds the mix. Against
# the best mix, which does not look at persons, no budget has a gain in all three sets.
# So the gain comes from knowing the *arms*. Choosing persons by their costs, as the conclusion
# advises, has not paid yet, as far as 2,834 persons can tell.
#
# The table has medians over the sets of folds. Their intervals have a level of at least 90 %
# (`arXiv:1712.04802 <https://arxiv.org/abs/1712.04802>`_).
columns = ["difference", "difference_low", "difference_high"]
shown = curves.query("rule != 'policy' and budget in [0.15, 0.3, 0.5]")
shown.groupby(["rule", "budget"], sort=False)[columns].median().round(3)

# %%
# Fewer persons came than was promised at fit in each set of folds, but not by more than chance.
pd.concat([one.promise.to_frame() for one in evaluations], keys=range(3), names=["folds"]).round(3)
