"""
Look inside a policy
====================

Two figures show a fitted policy: how its networks learnt, and which coupons its
clusters get at two budgets. Both figures show the rows that the policy was fitted on.
Only held-out customers can tell whether the policy is good, as in
:doc:`/auto_examples/plot_number_of_clusters`.
"""

import matplotlib.pyplot as plt
import sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.plotting import AllocationDisplay, TrainingHistoryDisplay

sklearn.set_config(enable_metadata_routing=True)

rct = make_coupon_experiment(10_000, as_frame=True, random_state=0)
policy = make_pipeline(
    StandardScaler(),
    MultiTaskRepresenter(random_state=0),
    HiddenClusterer(n_clusters=64, random_state=0),
    ClusterBudgetAllocator(random_state=0),
)
policy.fit(rct.data, rct.target, treatment=rct.treatment, cost=rct.cost)

# %%
# Each network holds out another fifth of the customers. It stops when the loss on
# these customers has not fallen for some epochs, and keeps the weights of the ring.
# The training loss goes on falling, because the network has begun to learn its own
# customers by heart. The held-out customers detect that. If a line still falls
# at its end, use more ``max_epochs``.
TrainingHistoryDisplay.from_estimator(policy)

# %%
# These are the same clusters at two budgets, and nothing is fitted in between. Areas
# above the strip of coupons are expected gains, and areas below it are expected costs.
# The small budget leaves most customers without a coupon, and goes where a coupon brings
# most for its cost. The large budget reaches more customers, with larger coupons. But six
# times the budget buys far less than six times the gain.
figure, places = plt.subplots(2, 1, figsize=(6.4, 9.6), layout="constrained")
small, large = (
    AllocationDisplay.from_estimator(policy, budget=budget, ax=place)
    for budget, place in zip((0.4, 2.4), places)
)
for ours, theirs in zip(small.axes_, large.axes_):
    ours.set_ylim(theirs.get_ylim())  # one scale for both
plt.show()
