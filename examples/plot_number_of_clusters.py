"""
Choose the number of clusters, and see what budgets buy
========================================================

A search over the number of clusters is scored by the area under the policy's budget
curve on held-out rows. The pipeline has a memory, so the networks are trained once a
fold. Two of the candidates are then drawn beside the best single arm.
"""

import tempfile

import matplotlib.pyplot as plt
import sklearn
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.plotting import BudgetCurveDisplay

sklearn.set_config(enable_metadata_routing=True)

# Two samples of the same world, one to learn from and one to judge.
train, test = (make_coupon_experiment(10_000, as_frame=True, random_state=i) for i in range(2))
folds = StratifiedKFold(3, shuffle=True, random_state=0)
splits = list(folds.split(train.data, train.treatment))

with tempfile.TemporaryDirectory() as cache:
    policy = make_pipeline(
        StandardScaler(),
        MultiTaskRepresenter(random_state=0),
        HiddenClusterer(random_state=0),
        ClusterBudgetAllocator(budget=1.2, random_state=0),
        memory=cache,
    )
    search = GridSearchCV(policy, {"hiddenclusterer__n_clusters": [2, 16, 64]}, cv=splits)
    search.fit(train.data, train.target, treatment=train.treatment, cost=train.cost)
    few = sklearn.clone(policy).set_params(hiddenclusterer__n_clusters=2)
    few.fit(train.data, train.target, treatment=train.treatment, cost=train.cost)

for n_clusters, mean, spread in zip(
    search.cv_results_["param_hiddenclusterer__n_clusters"],
    search.cv_results_["mean_test_score"],
    search.cv_results_["std_test_score"],
):
    print(f"{n_clusters:>3} clusters: mean gain {mean:.2f}, over folds +- {spread:.2f}")

# %%
# The score is a mean gain in sales per customer. It is noisy. A difference that is
# small beside the spread over the folds is no reason to prefer one number.
#
# Held-out customers judge the chosen policy and the one with two clusters. The ring
# marks the current budget, at what the policy really spends. The points of both lie
# above the best single arm. The figure cannot tell which of the two policies is better.
# :func:`~sklearn_hrc.metrics.compare_budget_curves` estimates their difference on the
# same customers.
_, ax = plt.subplots(layout="constrained")
chosen = f"{search.best_params_['hiddenclusterer__n_clusters']} clusters, chosen"
for name, fitted in (("2 clusters", few), (chosen, search)):
    BudgetCurveDisplay.from_estimator(
        fitted, test.data, test.target, treatment=test.treatment, cost=test.cost, name=name, ax=ax
    )
plt.show()
