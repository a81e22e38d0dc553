"""scikit-learn's common checks, and what they leave out: parameters and imports."""

import subprocess
import sys

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_hrc import (
    ClusterBudgetAllocator,
    DistilledAllocator,
    HiddenClusterer,
    MultiTaskRepresenter,
)
from sklearn_hrc.rules import MaxShare

ESTIMATORS = [
    MultiTaskRepresenter(max_epochs=3, random_state=0),
    HiddenClusterer(random_state=0),
    ClusterBudgetAllocator(random_state=0),
    DistilledAllocator(random_state=0),
]


def expected_failed_checks(estimator):
    if not isinstance(estimator, MultiTaskRepresenter):
        return {}
    return {
        "check_sample_weight_equivalence_on_dense_data": (
            "Networks are trained on mini-batches, each without one of the folds: repeated rows "
            "fall into other batches and folds, and change how many components rows can carry."
        )
    }


# The checks give no treatment, and the allocator says so each time.
@pytest.mark.filterwarnings("ignore::sklearn_hrc.exceptions.MissingTreatmentWarning")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failed_checks)
def test_common_checks(estimator, check):
    check(estimator)


INVALID = [
    (HiddenClusterer, "n_clusters", 0),
    (HiddenClusterer, "n_clusters", 2.5),
    (HiddenClusterer, "metric", "manhattan"),
    (HiddenClusterer, "outcomes", "yes"),
    (HiddenClusterer, "random_state", "seed"),
    (ClusterBudgetAllocator, "budget", "much"),
    (ClusterBudgetAllocator, "budget", float("nan")),
    (ClusterBudgetAllocator, "budget", float("inf")),
    (ClusterBudgetAllocator, "budget", [0.5, 1.0]),
    (ClusterBudgetAllocator, "objective", 1.5),
    (ClusterBudgetAllocator, "arm_cost", "free"),
    (ClusterBudgetAllocator, "estimation", "exact"),
    (ClusterBudgetAllocator, "split_clusters", 2),
    (ClusterBudgetAllocator, "population", 0),
    (ClusterBudgetAllocator, "goal", "profit"),
    (ClusterBudgetAllocator, "goal", 12.0),
    (ClusterBudgetAllocator, "rules", "x"),
    (ClusterBudgetAllocator, "rules", [1]),
    (ClusterBudgetAllocator, "rules", None),
    (ClusterBudgetAllocator, "rules", MaxShare(1, 0.2)),
    (ClusterBudgetAllocator, "random_state", "seed"),
    (DistilledAllocator, "random_state", "seed"),
    (MultiTaskRepresenter, "hidden_layer_sizes", ()),
    (MultiTaskRepresenter, "hidden_layer_sizes", (8, 0)),
    (MultiTaskRepresenter, "n_networks", 0),
    (MultiTaskRepresenter, "n_components", 0),
    (MultiTaskRepresenter, "outcomes", "yes"),
    (MultiTaskRepresenter, "max_epochs", 0),
    (MultiTaskRepresenter, "batch_size", 0),
    (MultiTaskRepresenter, "lr", 0.0),
    (MultiTaskRepresenter, "device", 3),
    (MultiTaskRepresenter, "verbose", -1),
]


@pytest.mark.parametrize(("Estimator", "name", "value"), INVALID)
def test_invalid_parameters_are_named(Estimator, name, value):
    X, y, treatment = [[0.0], [1.0], [0.0], [1.0]], [0.0, 1.0, 2.0, 3.0], [0, 0, 1, 1]
    with pytest.raises(ValueError, match=name):
        Estimator(**{name: value}).fit(X, y, treatment=treatment, cost=treatment)


def test_import_loads_neither_torch_nor_a_solver():
    code = (
        "import sys, sklearn_hrc, sklearn_hrc.plotting; "
        "heavy = {'torch', 'skorch', 'mip', 'matplotlib'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
