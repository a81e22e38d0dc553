"""
Look inside a policy
====================

Two pictures of a fitted policy: how its networks learnt, and which coupons its
clusters get at two budgets. Both show what the policy was fitted on; whether it
is any good, held-out customers must tell, as in
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
# Each network holds out another fifth of the customers and stops when the loss on
# them has not fallen for some epochs; the weights of the ring are kept. That the
# training loss goes on falling is what the held-out customers are there for: the
# network has begun to learn its own customers by heart. A line that still falls
# at its end would ask for more ``max_epochs``.
TrainingHistoryDisplay.from_estimator(policy)

# %%
# The same clusters at two budgets, nothing being fitted in between: areas above
# the strip of coupons are what they are expected to gain, areas below it what
# they are expected to cost. The small budget leaves most customers without a
# coupon and goes where one brings most for its cost. The large one reaches more
# customers, with larger coupons, but six times the budget buys far less than six
# times the gain.
figure, places = plt.subplots(2, 1, figsize=(6.4, 9.6), layout="constrained")
small, large = (
    AllocationDisplay.from_estimator(policy, budget=budget, ax=place)
    for budget, place in zip((0.4, 2.4), places)
)
for ours, theirs in zip(small.axes_, large.axes_):
    ours.set_ylim(theirs.get_ylim())  # one scale for both
plt.show()
