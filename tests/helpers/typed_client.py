"""What a type checker makes of code that uses the package; mypy reads it, nothing runs it."""

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

from sklearn_hrc import (
    ClusterBudgetAllocator,
    DistilledAllocator,
    HiddenClusterer,
    MultiTaskRepresenter,
)
from sklearn_hrc.budgets import UncertainBudget
from sklearn_hrc.planning import plan_list
from sklearn_hrc.rules import MaxShare


def client(X: NDArray[np.float64], y: list[float], treatment: list[str]) -> None:
    allocator = ClusterBudgetAllocator(
        budget=UncertainBudget([1, 2]), control="none", arm_cost={"mail": 0.5}
    )
    assert_type(allocator.fit(X, y, treatment=treatment), ClusterBudgetAllocator)
    assert_type(allocator.partial_fit(X, y, treatment=treatment), ClusterBudgetAllocator)
    assert_type(allocator.set_budget(0.5), ClusterBudgetAllocator)
    assert_type(allocator.set_rules([MaxShare("mail", 0.2)]), ClusterBudgetAllocator)
    assert_type(plan_list(allocator, X, total_budget=100).arms, NDArray[Any])
    assert_type(allocator.predict([[0.0]]), NDArray[Any])
    assert_type(allocator.score(X, y, treatment=treatment), float)
    policy = DistilledAllocator(allocator, random_state=np.random.RandomState(0))
    assert_type(policy.fit(X, y).set_budget(1), DistilledAllocator)
    assert_type(HiddenClusterer(n_clusters=8).fit_predict(X), NDArray[np.integer])
    assert_type(MultiTaskRepresenter((16,)).fit(X, y).transform(X), NDArray[np.floating])
    # Whatever is not among the choices of a parameter is an error, which must be one.
    ClusterBudgetAllocator(risk="median")  # type: ignore[arg-type]
    allocator.set_budget("much")  # type: ignore[arg-type]
