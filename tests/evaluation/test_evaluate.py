"""Evaluations of policies: figures against the metrics' own functions, sentences, bad input."""

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_hrc import (
    ClusterBudgetAllocator,
    DistilledAllocator,
    HiddenClusterer,
    MultiTaskRepresenter,
)
from sklearn_hrc.evaluation import evaluate
from sklearn_hrc.evaluation._rules_to_beat import _first, _knots
from sklearn_hrc.evaluation._targeting import slopes_of_effects
from sklearn_hrc.exceptions import BudgetError
from sklearn_hrc.goals import Profit
from sklearn_hrc.metrics import (
    best_mix,
    best_single_arm,
    budget_curve,
    compare_budget_curves,
    policy_overlap,
    policy_value,
)
from sklearn_hrc.model_selection import cross_fit_arms

ARMS = np.array(["none", "letter", "call"])
BUDGETS = [0.3, 0.6, 1.0]


def world(seed=0, n=1200, effects=((0, 1, 1), (0, 0, 2), (0, 0.5, 0)), price=(0, 1, 2), noise=1.0):
    """Rows of segments whose arms have known effects, and what they cost."""
    rng = np.random.default_rng(seed)
    effects = np.asarray(effects, dtype=float)
    segment, arm = rng.integers(0, len(effects), n), rng.integers(0, 3, n)
    y = 1.0 + 0.5 * segment + effects[segment, arm] + noise * rng.normal(size=n)
    rows = {"treatment": ARMS[arm], "cost": np.array(price, dtype=float)[arm]}
    return segment[:, None], y, rows


def raw(budget=0.6, **parameters):
    return ClusterBudgetAllocator(budget, control="none", estimation="raw", **parameters)


def folds_of(X, rows, n_folds=3):
    """Folds by position: what they hold moves with the rows."""
    place = np.arange(len(X)) % n_folds
    return [(np.flatnonzero(place != k), np.flatnonzero(place == k)) for k in range(n_folds)]


@pytest.fixture(scope="module")
def case():
    X, y, rows = world()
    folds = folds_of(X, rows)
    return X, y, rows, folds, evaluate(raw(), X, y, budgets=BUDGETS, cv=folds, **rows)


def judge_of(evaluation):
    method = "hajek" if evaluation.outcomes is None else "doubly-robust"
    return {"method": method, "outcomes": evaluation.outcomes}


# Against the metrics' own functions.


def test_decisions_are_those_of_cross_fit_arms(case):
    X, y, rows, folds, e = case
    arms = cross_fit_arms(raw(), X, y, budgets=[0.6, *BUDGETS], cv=folds, **rows)
    assert_array_equal(e.arms, arms[0])
    assert_array_equal(e.curve_arms, arms[1:])
    drawn = evaluate(raw(), X, y, budgets=BUDGETS, cv=4, random_state=3, **rows)
    again = cross_fit_arms(raw(), X, y, budgets=BUDGETS, cv=4, random_state=3, **rows)
    assert_array_equal(drawn.curve_arms, again)


def test_value_curve_and_overlap_are_those_of_the_metrics(case):
    _, y, rows, _, e = case
    value = policy_value(e.arms, y, **judge_of(e), **rows)
    assert (e.response, e.response_se) == pytest.approx((value.response, value.response_se))
    assert e.response_interval == pytest.approx(value.response_interval)
    assert (e.cost, *e.cost_interval) == pytest.approx((value.cost, *value.cost_interval))
    curve = budget_curve(e.curve_arms, y, control="none", **judge_of(e), **rows)
    own = e.curve.rule == "policy"
    for name in ("gain", "gain_se", "spend", "spend_se"):
        assert_allclose(e.curve[name][own], curve[name], atol=1e-12)
    assert_allclose([e.curve.gain_low[own], e.curve.gain_high[own]], curve.gain_interval)
    overlap = policy_overlap(e.arms, treatment=rows["treatment"])
    assert_array_equal(e.by_arm.treatment, overlap.treatment)
    assert_allclose(e.by_arm.share, overlap.assigned_share)
    assert_array_equal(e.by_arm.n_matched, overlap.n_matched)


@pytest.mark.parametrize(
    ("name", "best"), [("single arm", best_single_arm), ("mix of arms", best_mix)]
)
def test_rules_are_chosen_on_other_folds_as_by_the_metrics(case, name, best):
    _, y, rows, folds, e = case
    rule = best(None, y, budgets=BUDGETS, cv=folds, control="none", **judge_of(e), **rows)
    own = e.curve.rule == f"best {name}"
    for figure in ("gain", "gain_se", "spend"):
        assert_allclose(e.curve[figure][own], rule[figure], atol=1e-9)


def test_difference_at_equal_spend_is_that_of_the_curves():
    # Costs differ within an arm, so that spends have errors. One arm: the rule is that arm.
    rng = np.random.default_rng(1)
    X, y, rows = world(1, n=3000, effects=((0, 2, 0), (0, 0.5, 0), (0, 1, 0)))
    keep = rows["treatment"] != "call"
    X, y, rows = X[keep], y[keep], {name: values[keep] for name, values in rows.items()}
    rows["cost"] = rows["cost"] * rng.gamma(4, 0.25, len(y))
    e = evaluate(raw(0.5), X, y, budgets=BUDGETS, random_state=0, **rows)
    letter = np.full((1, len(y)), "letter")
    curves = compare_budget_curves(
        e.arms[None],
        letter,
        y,
        spend=[e.spend],
        control="none",
        random_state=0,
        **judge_of(e),
        **rows,
    )
    (place,) = np.flatnonzero(e.rules.rule == "best single arm")
    assert e.rules.difference[place] == pytest.approx(curves.gain_difference[0], rel=0.01)
    ends = e.rules.difference_low[place], e.rules.difference_high[place]
    assert_allclose(ends, curves.gain_difference_interval[:, 0], rtol=0.08)


def test_totals_and_summary_are_for_all_rows_of_positive_weight(case):
    e = case[-1]
    table = e.summary()
    assert list(table.index) == ["policy", *e.rules.rule, "none for everybody"]
    assert table.total_response["policy"] == pytest.approx(1200 * e.response)
    assert table.policy_brings_more["none for everybody"] == e.gain
    assert_allclose(
        table.response["policy"] - table.response[e.rules.rule], e.rules.difference, rtol=1e-9
    )
    assert e.promise.to_frame().shape == (2, 7)


# By hand.


def test_promise_by_hand():
    # Two segments, no noise: the letter adds 2 in the one and nothing in the other.
    segment = np.repeat([0, 1], 40)
    arm = np.tile([0, 0, 1, 1], 20)
    y = 1.0 + 2.0 * segment * arm
    rows = {"treatment": arm, "cost": arm.astype(float)}
    policy = ClusterBudgetAllocator(0.5, estimation="raw")
    # Two folds with all cells, and as many rows in each.
    half = np.arange(80) % 2
    folds = [(np.flatnonzero(half != k), np.flatnonzero(half == k)) for k in (0, 1)]
    e = evaluate(policy, segment[:, None], y, cv=folds, budgets=[0.5], **rows)
    assert_array_equal(e.arms, segment)
    assert (e.response, e.cost, e.gain) == pytest.approx((2.0, 0.5, 1.0))
    assert_allclose(e.promise.promised, [2.0, 0.5])
    assert_allclose(e.promise.difference, [0.0, 0.0], atol=1e-12)
    # At a spend of 0.5 half of all get the letter: half of them have no use for it.
    assert_allclose(e.rules.gain[:2], [0.5, 0.5])
    # The ranking finds those of whom most is expected under the letter: they are the right ones.
    assert_allclose(e.rules.difference, [0.5, 0.5, 0.0], atol=1e-9)
    (place,) = np.flatnonzero(e.effects.treatment == 1)[:1]
    assert e.effects.slope[place] == pytest.approx(1.0)


def test_slope_is_the_difference_of_the_slopes_of_two_regressions():
    rng = np.random.default_rng(0)
    n = 400
    arm, weight = rng.integers(0, 2, n), rng.uniform(0.5, 2.0, n)
    effect = rng.normal(size=n)
    expected = np.column_stack([-effect / 2, effect / 2])  # the base is the same for everybody
    y = 0.3 * effect + arm * (0.2 + 0.7 * effect) + rng.normal(size=n)
    found = slopes_of_effects(y, expected, arm, 0, weight, np.zeros(n, dtype=int), None)
    slopes = [
        np.polyfit(effect[arm == j], y[arm == j], 1, w=np.sqrt(weight[arm == j]))[0] for j in (0, 1)
    ]
    assert found.slope[1] == pytest.approx(slopes[1] - slopes[0])
    assert found.slope[2] == pytest.approx(found.slope[1])
    assert np.isnan(found.slope[0])
    # Rows that are written twice tell no more, where groups say that they are the same.
    twice = [np.repeat(a, 2, axis=0) for a in (y, expected, arm, weight)]
    groups = np.repeat(np.arange(n), 2)
    doubled = slopes_of_effects(
        *(twice[0], twice[1], twice[2], 0, twice[3], np.zeros(2 * n, dtype=int), groups)
    )
    assert_allclose(doubled.slope, found.slope)
    assert_allclose(doubled.error, found.error)


def test_slope_has_the_right_error():
    rng = np.random.default_rng(0)
    ratios = []
    for _ in range(300):
        n, arm = 600, rng.integers(0, 3, 600)
        expected = rng.normal(size=(n, 3))
        y = 3 * expected.mean(axis=1) + rng.normal(size=n) * (1 + arm)
        fold = rng.integers(0, 5, n)
        found = slopes_of_effects(y, expected, arm, 0, np.ones(n), fold, None)
        ratios.append(found.slope / found.error)
    spread = np.std(ratios, axis=0)[1:]
    assert_allclose(spread, 1.0, atol=0.12)
    assert_allclose(np.mean(ratios, axis=0)[1:], 0.0, atol=0.2)


def test_same_prediction_for_everybody_has_no_slope():
    rng = np.random.default_rng(0)
    arm = rng.integers(0, 2, 50)
    expected = np.tile([1.0, 1.1], (50, 1))
    found = slopes_of_effects(
        rng.normal(size=50), expected, arm, 0, np.ones(50), np.arange(50) % 5, None
    )
    assert np.isnan(found.slope).all()
    assert not found.borne_out.any()


def test_chance_to_be_among_the_first_by_hand():
    # Half of a weight of 8: the first has 2, and the two that are alike share what is left.
    chance = _first(np.array([3.0, 1.0, 1.0, 0.0]), 0.5, np.array([2.0, 1.0, 3.0, 2.0]))
    assert_allclose(chance, [1.0, 0.5, 0.5, 0.0])


def test_points_without_a_step_have_no_slope():
    points = [
        pd.Series({"cost": c, "response": r}) for c, r in [(1, 2), (0, 0), (1.001, 9), (2, 3)]
    ]
    spend, gain, places = _knots(points)
    assert (spend.tolist(), gain.tolist(), places) == ([0, 1, 2], [0, 2, 3], [1, 0, 3])


# Symmetries.


def test_order_of_rows_does_not_matter(case):
    X, y, rows, folds, e = case
    order = np.random.default_rng(0).permutation(len(X))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    moved = [(place[train], place[test]) for train, test in folds]
    other = evaluate(
        raw(),
        X[order],
        y[order],
        budgets=BUDGETS,
        cv=moved,
        **{k: v[order] for k, v in rows.items()},
    )
    assert_array_equal(other.arms, e.arms[order])
    for name in ("rules", "curve", "effects", "promise"):
        for key, values in getattr(e, name).items():
            if values.dtype.kind == "f":
                assert_allclose(getattr(other, name)[key], values, atol=1e-9, err_msg=key)
    assert other.conclusion == e.conclusion


def test_a_weight_of_two_is_a_row_twice_and_of_zero_is_no_row():
    X, y, rows = world(n=400)
    weight = np.random.default_rng(0).choice([0, 1, 2], 400)
    index = np.repeat(np.arange(400), weight)
    place = np.arange(400) % 2
    folds, twice = (
        [(np.flatnonzero(own != k), np.flatnonzero(own == k)) for k in (0, 1)]
        for own in (place, place[index])
    )
    e = evaluate(raw(), X, y, cv=folds, budgets=BUDGETS, sample_weight=weight, **rows)
    repeated = {name: values[index] for name, values in rows.items()}
    other = evaluate(raw(), X[index], y[index], cv=twice, budgets=BUDGETS, **repeated)
    assert (e.n_individuals, other.n_individuals) == ((weight > 0).sum(), weight.sum())
    assert (e.response, e.cost, e.gain) == pytest.approx((other.response, other.cost, other.gain))
    assert_allclose(e.rules.difference, other.rules.difference)
    assert_allclose(e.effects.slope, other.effects.slope)


def test_groups_stay_in_one_fold_and_are_the_units_of_errors():
    X, y, rows = world(n=600)
    twice = [np.repeat(values, 2, axis=0) for values in (X, y)]
    rows2 = {name: np.repeat(values, 2) for name, values in rows.items()}
    groups = np.array([f"h{i}" for i in np.repeat(np.arange(600), 2)])
    place = np.arange(600) % 3
    folds, doubled = (
        [(np.flatnonzero(own != k), np.flatnonzero(own == k)) for k in range(3)]
        for own in (place, np.repeat(place, 2))
    )
    e = evaluate(raw(), X, y, cv=folds, budgets=BUDGETS, **rows)
    both = evaluate(raw(), *twice, cv=doubled, budgets=BUDGETS, groups=groups, **rows2)
    assert both.response_se == pytest.approx(e.response_se)
    assert_allclose(both.rules.difference_se, e.rules.difference_se)
    drawn = evaluate(raw(), *twice, cv=3, budgets=BUDGETS, groups=groups, random_state=0, **rows2)
    # Twins are alike in everything, and so are the policies that decide for them.
    assert_array_equal(drawn.arms[::2], drawn.arms[1::2])


def test_known_prices_are_those_of_the_observed_costs():
    X, y, rows = world()
    folds = folds_of(X, rows)
    prices = dict(zip(ARMS.tolist(), [0.0, 1.0, 2.0]))
    observed = evaluate(raw(), X, y, cv=folds, budgets=BUDGETS, **rows)
    known = evaluate(
        raw(arm_cost=prices), X, y, cv=folds, budgets=BUDGETS, treatment=rows["treatment"]
    )
    assert_array_equal(known.arms, observed.arms)
    assert known.cost == pytest.approx(np.mean([prices[arm] for arm in known.arms.tolist()]))
    assert known.cost_se < observed.cost_se + 1e-12
    assert set(known.effects.outcome) == {"response"}


def test_propensities_that_differ_by_segment():
    rng = np.random.default_rng(0)
    n = 6000
    segment = rng.integers(0, 2, n)
    chance = np.where(segment == 1, 0.8, 0.3)
    arm = (rng.random(n) < chance).astype(int)
    y = 2.0 * segment + arm * (1.0 + segment) + 0.1 * rng.normal(size=n)
    rows = {"treatment": arm, "cost": arm.astype(float)}
    e = evaluate(
        ClusterBudgetAllocator(1.0, estimation="raw"),
        segment[:, None],
        y,
        propensity=np.where(arm == 1, chance, 1 - chance),
        random_state=0,
        **rows,
    )
    assert e.gain == pytest.approx(1.5, abs=0.03)
    assert e.effects.slope[-4:-2][0] == pytest.approx(1.0, abs=0.05)
    assert e.randomisation.p_value >= 0.01


# Policies of all kinds.


def test_budget_in_use_of_a_fitted_policy_and_a_given_one():
    X, y, rows = world()
    fitted = raw(0.3, population=1200).fit(X, y, **rows).set_budget(1.0)
    folds = folds_of(X, rows)
    used = evaluate(fitted, X, y, cv=folds, budgets=BUDGETS, **rows)
    given = evaluate(raw(0.3, population=1200), X, y, cv=folds, budget=1.0, budgets=BUDGETS, **rows)
    assert used.budget == given.budget == 1.0
    assert_array_equal(used.arms, given.arms)
    assert_allclose(used.promise.promised, given.promise.promised)
    assert fitted.budget_ == 1.0
    assert fitted.get_params()["budget"] == 0.3


def test_goals_and_frozen_policies():
    X, y, rows = world()
    e = evaluate(raw(None, goal=Profit(1.0)), X, y, budgets=BUDGETS, random_state=0, **rows)
    assert e.budget == pytest.approx(e.promise.promised[1])
    policy = raw().fit(X[:600], y[:600], **{k: v[:600] for k, v in rows.items()})
    rest = {k: v[600:] for k, v in rows.items()}
    frozen = evaluate(FrozenEstimator(policy), X[600:], y[600:], budgets=BUDGETS, cv=2, **rest)
    assert_array_equal(frozen.arms, policy.predict(X[600:]))
    assert frozen.promise.promised[0] == pytest.approx(policy.expected_response_)


def test_distilled_policy_on_a_frame_with_names():
    X, y, rows = world(n=600)
    frame = pd.DataFrame({"kind": np.array(["a", "b", "c"])[X[:, 0]], "noise": y % 0.1})
    outcome = pd.DataFrame({"visits": y * 0, "sales": y})
    teacher = make_pipeline(FunctionTransformer(codes_of_kind), raw(0.6, objective="sales"))
    policy = DistilledAllocator(teacher, random_state=0)
    numbers = pd.DataFrame({"kind": X[:, 0], "noise": frame["noise"]})
    e = evaluate(policy, numbers, outcome, cv=2, budgets=[0.6], random_state=0, **rows)
    assert e.response_name == "sales"
    assert "response (sales)" in e.sentences()[0]
    assert set(e.randomisation.features["feature"]) == {"kind", "noise"}
    # Labels and so on reach the policy as they are.
    e = evaluate(teacher, frame, outcome, cv=2, budgets=[0.6], random_state=0, **rows)
    kinds = {"kind = a", "kind = b", "kind = c"}
    assert set(e.randomisation.features["feature"]) == {*kinds, "noise"}


def codes_of_kind(X):
    """Code of the column `kind`."""
    kind = X["kind"]
    return np.asarray(kind if kind.dtype.kind == "i" else kind.map({"a": 0, "b": 1, "c": 2}))[
        :, None
    ]


def test_pipeline_with_a_representer_expects_of_individuals():
    X, y, rows = world(n=600)
    X = np.column_stack([X[:, 0], np.random.default_rng(0).normal(size=(600, 2))])
    policy = make_pipeline(
        StandardScaler(),
        MultiTaskRepresenter(n_networks=2, members=(), max_epochs=2, random_state=0),
        HiddenClusterer(4, random_state=0),
        ClusterBudgetAllocator(0.6, control="none", random_state=0),
    )
    e = evaluate(policy, X, y, cv=2, budgets=[0.6], random_state=0, **rows)
    assert e.arms.shape == (600,)
    assert np.isfinite(e.effects.slope[e.effects.outcome == "response"]).all()
    assert not hasattr(policy[-1], "treatments_")


def test_folds_side_by_side_and_verbose(capsys):
    X, y, rows = world(n=600)
    options = {"budgets": BUDGETS, "cv": 3, "random_state": 0, **rows}
    alone = evaluate(raw(), X, y, **options)
    # Threads print where the test looks. Processes are those of `cross_fit_arms`.
    with parallel_config(backend="threading"):
        both = evaluate(raw(), X, y, n_jobs=2, verbose=1, **options)
    assert_array_equal(alone.arms, both.arms)
    assert "evaluate: fold 2, 200 rows decided" in capsys.readouterr().out


# Sentences.


def test_sentences_say_what_is_off():
    X, y, rows = world(n=900, noise=3.0)
    # Those of the last segment got what their features say.
    chosen = X[:, 0] == 2
    rows["treatment"] = np.where(
        chosen & (rows["treatment"] == "call"), "letter", rows["treatment"]
    )
    rows["cost"] = np.where(rows["treatment"] == "call", 2.0, 1.0 * (rows["treatment"] == "letter"))
    e = evaluate(raw(5.0), X, y, cv=3, budgets=BUDGETS, random_state=0, **rows)
    said = e.sentences()
    # Where the draw is off, no figure holds: this is said before any figure, and what to do.
    assert said[:3] == e.cautions()[:3]
    assert said[0].startswith("Do not decide by these figures: 'x0' tells which arm a person got")
    assert "by ignore=['x0']" in said[1]
    assert said[2] == e.randomisation.conclusion
    assert said[3].startswith("At a budget of")
    assert set(e.cautions()) <= set(said)
    assert any("is not used up" in sentence for sentence in e.cautions())
    assert all(sentence.endswith(".") and "  " not in sentence for sentence in said)


def test_few_rows_behind_an_arm_are_told():
    X, y, rows = world(n=60, effects=((0, 0, 5), (0, 0, 5)))
    e = evaluate(raw(2.0), X, y, cv=3, budgets=[1.0], random_state=0, **rows)
    assert any("rows received call where the policy gives it" in s for s in e.cautions())


def test_html_escapes_and_repr_is_a_line(case):
    X, y, rows, folds, e = case
    assert repr(e).startswith("Evaluation(1200 rows, response=")
    assert "best mix of arms" in e._repr_html_()
    markup = {**rows, "treatment": np.where(rows["treatment"] == "call", "<b>x", rows["treatment"])}
    page = evaluate(raw(), X, y, budgets=BUDGETS, cv=folds, **markup)._repr_html_()
    assert "<b>x" not in page
    assert "&lt;b&gt;x" in page


CASES = {
    # Effects of none, letter and call in three segments, and the words of the right conclusion.
    "target": (((0, 1.5, 0), (0, 0, 1.5), (0, 0.0, 0)), "People differ in what"),
    "best arm": (
        ((0, 1.0, 0),) * 3,
        "Arms differ, people do not measurably: give everybody letter",
    ),
    "nothing": (((0, 0, 0),) * 3, "No arm measurably brings more than none"),
}


@pytest.mark.parametrize("name", ["target", "best arm", "nothing"])
def test_conclusion_of_a_clear_world(name):
    effects, words = CASES[name]
    X, y, rows = world(seed=1, n=3000, effects=effects)
    e = evaluate(raw(1.0), X, y, budgets=[0.5, 1.0], random_state=0, **rows)
    assert e.conclusion.startswith(words)
    assert e.conclusion in e.sentences()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["target", "best arm", "nothing"])
def test_conclusion_is_right_in_most_seeds(name):
    effects, words = CASES[name]
    right = 0
    for seed in range(20):
        X, y, rows = world(seed, n=3000, effects=effects, noise=3.0 if name != "target" else 2.0)
        e = evaluate(raw(1.0), X, y, budgets=[1.0], random_state=seed, **rows)
        right += e.conclusion.startswith(words)
    assert right >= 17


@pytest.mark.slow
def test_intervals_cover_the_truth():
    effects = np.array(CASES["target"][0])
    covered, beaten = [], []
    for seed in range(60):
        X, y, rows = world(seed, n=1500, effects=effects)
        e = evaluate(raw(0.5), X, y, budgets=[0.5], random_state=seed, **rows)
        number = np.array([np.flatnonzero(arm == ARMS)[0] for arm in e.arms])
        # The truth of these decisions, on the average individual of each segment.
        truth = np.mean(1.0 + 0.5 * X[:, 0] + effects[X[:, 0], number])
        covered.append(e.response_interval[0] <= truth <= e.response_interval[1])
        beaten.append(e.rules.difference_low[1] > 0)
    assert np.mean(covered) >= 0.88
    assert np.mean(beaten) > 0.9


# Bad input.


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"policy": StandardScaler()}, ValueError, r"^policy is expected to end in a policy"),
        ({"treatment": [0, 1]}, ValueError, r"^treatment is expected to have one entry"),
        ({"cost": None}, ValueError, r"^cost \(realised, .* got neither"),
        ({"cv": 1}, ValueError, r"^The 'cv' parameter of evaluate must be an int in the range"),
        ({"budgets": []}, ValueError, r"^budgets is expected to hold at least one number"),
        ({"budgets": [-1.0]}, BudgetError, r"^budgets is expected to be at least the smallest"),
        ({"budget": -1.0}, BudgetError, r"^budget is expected to be at least the smallest cost"),
        ({"budget": np.inf}, ValueError, r"^budget is expected to be a finite number"),
        ({"policy": ClusterBudgetAllocator(0.5)}, ValueError, r"^control is expected to name"),
        (
            {"groups": np.arange(300) % 3},
            ValueError,
            r"^groups is expected to have at least as many labels as there are folds, 5, got 3",
        ),
        (
            {"treatment": np.r_[["fax"] * 4, ARMS[np.arange(296) % 3]]},
            ValueError,
            r"^treatment is expected to have at least as many rows .* got 4 of 'fax'; lower cv",
        ),
        ({"y": ["12,50"] * 300}, ValueError, r"^y is expected to be numeric"),
    ],
)
def test_bad_input(change, error, message):
    X, y, rows = world(n=300)
    given = {"policy": raw(), "X": X, "y": y, "random_state": 0, **rows, **change}
    with pytest.raises(error, match=message) as caught:
        evaluate(**given)
    assert "\n" not in str(caught.value)


def test_budget_below_the_cheapest_plan_names_its_fold():
    X, y, rows = world(n=300, price=(1, 2, 3))
    rows["cost"] = rows["cost"] + np.linspace(-0.5, 0.5, 300)
    with pytest.raises(BudgetError, match=r"budget") as caught:
        evaluate(raw(0.6), X, y, cv=3, random_state=0, **rows)
    assert caught.value.__notes__ == ["This was fold 0 of cv (counted from 0) in evaluate."]
