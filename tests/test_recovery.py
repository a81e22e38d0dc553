"""Planted truth: policies against an oracle that knows every expected outcome."""

import numpy as np
import pytest
import sklearn
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import (
    ClusterBudgetAllocator,
    DistilledAllocator,
    HiddenClusterer,
    MultiTaskRepresenter,
)
from sklearn_hrc.datasets import (
    make_coupon_experiment,
    oracle_budget_curve,
    oracle_policy_value,
)

pytestmark = pytest.mark.slow
BUDGETS = (0.5, 1.0, 2.0)


def efficiency(decide, sample):
    """True gain as a share of the oracle's at the same true spend, at each budget."""
    truth = sample.expected_response, sample.expected_cost
    control = sample.expected_response[:, 0].mean()
    shares = []
    for budget in BUDGETS:
        value = oracle_policy_value(decide(budget), *truth, treatments=sample.treatments)
        shares.append(
            (value.response - control) / (oracle_budget_curve([value.cost], *truth)[0] - control)
        )
    return np.array(shares)


def single_arm(sample, rng):
    """Give the dearest arm that pays best to as many as the budget allows."""
    gain = sample.expected_response.mean(axis=0) - sample.expected_response[:, 0].mean()
    cost = sample.expected_cost.mean(axis=0)

    def decide(budget):
        share = np.minimum(1.0, budget / np.maximum(cost, 1e-12))
        best = (share * gain).argmax()
        return np.where(rng.random(len(sample.data)) < share[best], sample.treatments[best], 0)

    return decide


@pytest.fixture(scope="module")
def samples():
    return [make_coupon_experiment(30_000, random_state=seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def policies(samples):
    train, _ = samples
    rows = {"treatment": train.treatment, "cost": train.cost}
    teacher = make_pipeline(
        StandardScaler(),
        MultiTaskRepresenter(random_state=0),
        HiddenClusterer(n_clusters=64, random_state=0),
        ClusterBudgetAllocator(budget=1.0, random_state=0),
    )
    with sklearn.config_context(enable_metadata_routing=True):
        teacher.fit(train.data, train.target, **rows)
        student = DistilledAllocator(FrozenEstimator(teacher), random_state=0)
        student.fit(train.data, train.target, **rows)
    return teacher, student


def decisions(policy, X):
    allocator = policy if isinstance(policy, DistilledAllocator) else policy[-1]

    def decide(budget):
        allocator.set_budget(budget)
        return policy.predict(X)

    return decide


def test_the_policy_beats_the_best_single_arm_at_equal_spend(policies, samples):
    test = samples[1]
    dull = efficiency(single_arm(test, np.random.default_rng(0)), test)
    for policy in policies:
        reached = efficiency(decisions(policy, test.data), test)
        assert (reached > dull + 0.05).all()
        assert reached.mean() > 0.8


def test_the_student_keeps_what_the_teacher_reaches(policies, samples):
    teacher, student = (efficiency(decisions(p, samples[1].data), samples[1]) for p in policies)
    assert student.mean() > 0.97 * teacher.mean()


def test_true_spend_keeps_the_budget(policies, samples):
    for sample in samples:
        truth = sample.expected_response, sample.expected_cost
        for policy in policies:
            for budget in BUDGETS:
                arms = decisions(policy, sample.data)(budget)
                spent = oracle_policy_value(arms, *truth, treatments=sample.treatments).cost
                assert 0.85 * budget < spent < 1.08 * budget
