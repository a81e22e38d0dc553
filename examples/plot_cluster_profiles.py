"""
Explain a policy by the profiles of its clusters
================================================

A policy decides for clusters of expected outcomes, which nobody can read.
This figure shows who is in a cluster, in the original features of the customers,
and which coupon the cluster gets.
"""

import matplotlib.pyplot as plt
import sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.plotting import ClusterProfileDisplay

sklearn.set_config(enable_metadata_routing=True)

rct = make_coupon_experiment(10_000, as_frame=True, random_state=0)
policy = make_pipeline(
    StandardScaler(),
    MultiTaskRepresenter(random_state=0),
    HiddenClusterer(n_clusters=64, random_state=0),
    ClusterBudgetAllocator(budget=1.2, random_state=0),
)
policy.fit(rct.data, rct.target, treatment=rct.treatment, cost=rct.cost)

# %%
# The pipeline scales the features, but the figure shows them as they are given
# here. A column is a cluster, with its label, its share of the customers and its coupon.
# A split cluster has two coupons, and most of it gets the upper one. Of the 64 clusters
# the largest of each coupon are shown. A row is a feature, and features that tell these
# clusters apart best stand first. A cell has the cluster's mean. Its colour says how far
# this mean is from that of all customers, in the first column. An arrow stands where
# the difference is half a standard deviation or more.
shown = ClusterProfileDisplay.from_estimator(policy, rct.data)
# sphinx_gallery_thumbnail_number = 2

# %%
# Of the clusters shown, those without a coupon have spent much and hardly look at
# prices: they order anyway. Those with the largest coupon look at prices and live far
# away. The last rows have no influence in this simulated world. They are pale, but not
# quite white, since they are correlated with the rows above. Other differences are no
# causes, either. A cluster gets a coupon because of its expected effect, and the features
# are only what its members have in common.
#
# You can show chosen clusters and features alone. The numbers are arrays.
display = ClusterProfileDisplay.from_estimator(
    policy,
    rct.data,
    clusters=shown.clusters[[0, -1]],
    features=["price_attention", "past_spend", "distance_km"],
)
for cluster, share, arms, means in zip(
    display.clusters, display.shares, display.arms, display.mean.T
):
    print(f"cluster {cluster:.0f}, {share:.1%} of the customers, gets {arms}:")
    for name, mean, overall in zip(display.feature_names, means, display.overall_mean):
        print(f"    {name} {mean:.1f} (all: {overall:.1f})")
plt.show()
