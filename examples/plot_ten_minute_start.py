"""
Ten-minute start
================

This example leads from the table of a randomised experiment to a policy, which says who gets
what and keeps a budget. It shows what the rows must hold, how the policy is fitted and judged, what
the budget buys, and how the policy is served.
"""

import pickle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import sklearn
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import (
    ClusterBudgetAllocator,
    DistilledAllocator,
    HiddenClusterer,
    MultiTaskRepresenter,
)
from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.metrics import best_single_arm, policy_value
from sklearn_hrc.plotting import AllocationDisplay, BudgetCurveDisplay

# Pipelines pass `treatment` and `cost` on to their steps.
sklearn.set_config(enable_metadata_routing=True)

# %%
# The rows of the experiment
# --------------------------
# A shop gave each of 20,000 customers, at random, no coupon or one of 5, 10, 15 or
# 20 units of money, and then watched what they did. The experiment is simulated
# here. Yours would come from a file or a query. It is one table with a row for
# every customer.
simulated = make_coupon_experiment(20_000, as_frame=True, random_state=0)
table = simulated.data.join([simulated.target, simulated.cost])
table.insert(20, "coupon", simulated.treatment)
table.iloc[:5, [0, 1, 2, -4, -3, -2, -1]].round(2)

# %%
# The table gives four arrays.
#
# ``X``
#     Features that were known *before* the coupon was given. Here they are 20 numbers, of
#     which three are shown.
# ``treatment``
#     Arm that the customer received. Labels may be numbers or strings. With
#     numbers the smallest is the control, "nothing", unless the allocator is told
#     otherwise (``control=``).
# ``y``
#     Outcomes, one column or several. The first is the response that should be
#     large: here ``gmv``, sales in units of money. The others, here ``orders`` (0 or
#     1), help the networks to learn.
# ``cost``
#     Cost of the received arm for this customer, in the unit of the budget. This may
#     be another unit than that of the response. Here a coupon costs its face value if
#     the customer orders, and nothing otherwise.
#
# If arms were not equally likely for everybody, there is a fifth array,
# ``propensity``: the probability with which this customer received this arm.
X = table[simulated.feature_names]
y = table[["gmv", "orders"]]
rows = table[["coupon", "cost"]].rename(columns={"coupon": "treatment"})

# %%
# On average larger coupons bring more sales, and cost more.
table.groupby("coupon")[["gmv", "orders", "cost"]].mean().round(2)

# %%
# Half of the customers are held out to judge the policy, with equal shares of all
# arms. On the rows that it was fitted on a policy looks better than it is.
X_train, X_test, y_train, y_test, rows_train, rows_test = train_test_split(
    X, y, rows, test_size=0.5, stratify=rows["treatment"], random_state=0
)
rows_train, rows_test = rows_train.to_dict("series"), rows_test.to_dict("series")

# %%
# The policy
# ----------
# The policy has four steps: scale the features, represent the customers by networks that
# predict their outcomes under every coupon, cluster the representation, allocate coupons to
# clusters. The budget is the *mean cost per individual*: 1.2 for each customer of a
# population, with a coupon or without one.
policy = make_pipeline(
    StandardScaler(),
    MultiTaskRepresenter(random_state=0),
    HiddenClusterer(n_clusters=64, random_state=0),
    ClusterBudgetAllocator(budget=1.2, random_state=0),
)
policy.fit(X_train, y_train, **rows_train)

# %%
# The policy decides for anybody with the same features. Nothing else is needed.
coupons = policy.predict(X_test)
pd.Series(coupons).value_counts(normalize=True).sort_index().round(3)

# %%
# A table of clusters and arms says who gets what, and at what return. The marginal
# return is what the last unit of money spent on this arm brings. No marginal return is below
# the shadow price, which is what the last unit of the budget brings.
allocator = policy[-1]
print(f"shadow price: {allocator.shadow_price_:.2f} of sales for one of budget")
allocator.allocation_table().sort_values("cost", ascending=False).head().round(2)

# %%
# Is it worth its money?
# ----------------------
# The held-out customers tell. Some of them received, by chance, just
# the coupon that the policy would give. Reweighted, these customers show what the policy
# would have brought and cost. The rule to beat spends the same on a single coupon for as
# many customers, drawn at random, as the money pays for.
# Standard errors stand behind +-.
value = policy_value(coupons, y_test["gmv"], **rows_test)
none = policy_value(np.zeros_like(coupons), y_test["gmv"], **rows_test)
rival = best_single_arm([value.cost], y_test["gmv"], control=0, **rows_test)
print(f"spend per customer     {value.cost:.2f} +- {value.cost_se:.2f}")
print(f"sales without coupons  {none.response:.2f} +- {none.response_se:.2f}")
print(f"with the policy        {value.response:.2f} +- {value.response_se:.2f}")
print(f"with the best one arm  {none.response + rival.gain[0]:.2f}")

# %%
# The spend of a policy on new customers is near the budget, but does not equal it, since
# costs are estimates. :doc:`/guide/budgets` says how to keep a reserve, so that the budget
# holds with a given probability.
#
# What every budget buys
# ----------------------
# The figure shows the same at twenty budgets: gain over control against what the policy
# *really* spends on the held-out customers. The ring marks the budget of the policy. The
# band is a 95 % interval. The curve is steep at first, where coupons go to
# customers whom they change most. It is flat at the end, where money buys little.
BudgetCurveDisplay.from_estimator(policy, X_test, y_test, **rows_test)
plt.show()

# %%
# Another budget
# --------------
# A budget may change every day. A new budget is allocated in milliseconds, without any
# training. The parameter of the policy stays as it was.
for budget in (0.4, 1.2, 2.4):
    allocator.set_budget(budget)
    bought = policy_value(policy.predict(X_test), y_test["gmv"], **rows_test)
    print(f"budget {budget}, expected sales {allocator.expected_response_:.2f}")
    print(f"  held out: spend {bought.cost:.2f}, sales {bought.response:.2f}")

# %%
# The next figure shows who gets which coupon at the last budget.
AllocationDisplay.from_estimator(policy)
plt.show()

# %%
# Serving
# -------
# In production one small classifier takes the place of scaler, networks and
# clusters: the policy is *distilled*. The classifier learns the clusters from the features,
# and the budget is allocated again on the clusters as it sees them. The fitted policy is not
# trained again.
served = DistilledAllocator(FrozenEstimator(policy), random_state=0)
served.fit(X_train, y_train, **rows_train)
served.set_budget(1.2)
given = served.predict(X_test)
bought = policy_value(given, y_test["gmv"], **rows_test)
print(f"sales {bought.response:.2f} at a spend of {bought.cost:.2f}")

# %%
# The distilled policy can be pickled as any scikit-learn estimator. It gives a customer the
# same coupon alone, in a batch and in another process.
again = pickle.loads(pickle.dumps(served))
print(again.predict(X_test.iloc[:5]), given[:5])

# %%
# Four pages lead on. :doc:`/guide/own_table` does this from a file as it is.
# :doc:`/auto_examples/plot_number_of_clusters` chooses the number of
# clusters. :doc:`/auto_examples/plot_hillstrom` judges a policy beside simple rules.
# The :doc:`user guide </guide/index>` explains each step, costs of other kinds, rules of a
# campaign and budgets that must hold.
