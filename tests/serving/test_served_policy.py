"""Decisions online: rows of every form, eligibility, random shares, budgets and threads."""

import threading

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("pandas")
pytest.importorskip("skrub")

from helpers.served_policies import mixed_policy, number_policy, number_rows, table_policy

from sklearn_hrc.exceptions import BudgetError, BudgetWarning
from sklearn_hrc.export import export_policy
from sklearn_hrc.serving import FeatureError, load
from sklearn_hrc.serving._features import Feature

ROW = {"country": "AT", "age": 40.0, "plan": "free", "spend": 12.5}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    policy, X = mixed_policy()
    return policy, X, export_policy(policy, tmp_path_factory.mktemp("mixed") / "policy", X)


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    policy, X = number_policy("linear")
    return policy, X, export_policy(policy, tmp_path_factory.mktemp("numbers") / "policy", X)


@pytest.mark.parametrize("form", ["frame", "columns", "records", "Polars", "Arrow"])
def test_rows_of_every_form_decide_alike(form, mixed):
    policy, X, folder = mixed
    served, further = (
        load(folder),
        X.assign(customer_id=np.arange(len(X)))[[*X.columns[::-1], "customer_id"]],
    )
    if form == "Polars":
        columns = {name: further[name].tolist() for name in further}
        gapped = {
            name: [None if value != value else value for value in column]
            for name, column in columns.items()
        }
        rows = pytest.importorskip("polars").DataFrame(gapped)
    elif form == "Arrow":
        rows = pytest.importorskip("pyarrow").table({name: further[name] for name in further})
    else:
        rows = {
            "frame": further,
            "columns": {name: further[name].tolist() for name in further},
            "records": further.to_dict("records"),
        }[form]
    assert (served.decide(rows).treatment == policy.predict(X)).all()


@pytest.mark.parametrize(
    ("change", "feature", "message"),
    [
        (
            {"age": "forty"},
            "age",
            r"'age' is expected to be a finite number up to 1e30, got 'forty'",
        ),
        ({"age": np.inf}, "age", "finite number up to 1e30, got inf"),
        ({"age": 10**400}, "age", "finite number"),
        ({"age": -2e30}, "age", r"finite number up to 1e30, got -2e\+30"),
        ({"age": np.timedelta64(5, "s")}, "age", "finite number up to 1e30, got"),
        ({"age": [40]}, "age", r"up to 1e30, got \[40\]"),
        ({"country": {"a": 1}}, "country", "one of its categories"),
        ({"age": "x" * 500}, "age", r"got 'x{1,60}\.\.\.\."),
    ],
)
def test_value_of_another_kind_names_its_feature(change, feature, message, mixed):
    served = load(mixed[2])
    with pytest.raises(FeatureError, match=message) as caught:
        served.decide_one(ROW | change)
    assert caught.value.feature == feature
    assert len(str(caught.value)) < 200
    with pytest.raises(FeatureError, match="Row 1: ") as caught:
        served.decide([ROW, ROW | change])
    assert caught.value.feature == feature


def test_row_that_is_no_mapping(mixed):
    served = load(mixed[2])
    for rows in ("AT", 5, [ROW]):
        with pytest.raises(TypeError, match="row is expected to be a mapping from names"):
            served.decide_one(rows)
    with pytest.raises(TypeError, match="row is expected to be a mapping .* got a int"):
        served.decide([ROW, 5])


def test_a_list_is_no_category_though_it_could_be_text():
    feature = Feature("country", "category", True, {"AT": 0.0}, -1.0, -1.0, as_text=True)
    assert (feature.read(" AT "), feature.read("XX")) == (0.0, -1.0)
    with pytest.raises(FeatureError, match=r"one of its categories \('AT', ...\), got \['AT'\]"):
        feature.read(["AT"])


@pytest.mark.parametrize(("known", "new", "other"), [("1", "2", 1), (1, 2.5, "1")])
def test_a_new_category_is_of_the_kind_of_the_known_ones(known, new, other):
    feature = Feature("code", "category", True, {known: 0.0}, -1.0, -1.0, as_text=False)
    assert (feature.read(known), feature.read(new)) == (0.0, -1.0)
    with pytest.raises(FeatureError, match="'code' is expected to be one of its categories"):
        feature.read(other)


def test_numbers_that_float32_cannot_sum_are_refused_in_every_form(numbers):
    served, rows = load(numbers[2]), number_rows(5)
    rows[3, 2] = 1e30
    served.decide(rows)
    rows[3, 2] = -1.1e30
    for form in (rows, {f"x{place}": rows[:, place] for place in range(4)}):
        with pytest.raises(FeatureError, match=r"Row 3: 'x2' .* up to 1e30, got -1\.1e\+30"):
            served.decide(form)


def test_missing_feature_and_missing_value(mixed, numbers):
    served = load(mixed[2])
    with pytest.raises(FeatureError, match=r"have the feature 'age', got \['country', 'plan'"):
        served.decide_one({name: value for name, value in ROW.items() if name != "age"})
    assert served.decide_one(ROW | {"age": None}) == served.decide_one(ROW | {"age": np.nan})
    strict = load(numbers[2])
    assert not any(feature.gaps for feature in strict.features)
    rows = number_rows(5)
    rows[2, 1] = np.nan
    with pytest.raises(
        FeatureError, match="Row 2: 'x1' is expected to be a finite number up to 1e30, got nan"
    ):
        strict.decide(rows)
    with pytest.raises(ValueError, match=r"matrix of numbers with 4 columns, got .* \(5, 3\)"):
        strict.decide(number_rows(5)[:, :3])
    with pytest.raises(FeatureError, match="names of columns, since 'country' is a category"):
        served.decide(np.zeros((2, 4)))


def test_dates_as_text_in_any_zone(tmp_path):
    policy, X = table_policy()
    served = load(export_policy(policy, tmp_path / "policy", X))
    row = X.iloc[0].to_dict() | {"since": "2024-05-01T12:00:00"}
    other = row | {"since": "2024-05-01T14:00:00+02:00"}
    vectors = [feature for feature in served.features if feature.kind == "date"]
    assert vectors[0].read(row["since"]) == vectors[0].read(other["since"]) == 1714564800.0
    assert served.decide_one(row) == served.decide_one(other)
    with pytest.raises(FeatureError, match="a date such as"):
        served.decide_one(row | {"since": "first of May"})


def test_barred_arm_gives_way_to_the_best_at_the_shadow_price(numbers):
    policy, X, folder = numbers
    served, allocator = load(folder), policy.allocator_
    planned = served.decide(X)
    barred = planned.treatment == "<b>10 off</b>"
    found = served.decide(X, eligible={"<b>10 off</b>": np.zeros(len(X), bool)}).treatment
    assert (found[~barred] == planned.treatment[~barred]).all()
    worth = allocator.response_ - allocator.shadow_price_ * allocator.cost_
    worth[:, list(allocator.treatments_).index("<b>10 off</b>")] = -np.inf
    cell = allocator._cluster_index(policy._labels)[planned.cluster[barred]]
    assert barred.any()
    assert (found[barred] == allocator.treatments_[worth[cell].argmax(axis=1)]).all()
    some = int(np.argmax(barred))
    row = dict(zip(("x0", "x1", "x2", "x3"), X[some].tolist()))
    assert served.decide_one(row, eligible={"none", "5 off"}).treatment == found[some]


@pytest.mark.parametrize(
    ("eligible", "message"),
    [
        ({"20 off": np.ones(600, bool)}, "eligible is expected to name treatments"),
        (np.zeros((600, 3), bool), "leave every row a treatment, got none in row 0"),
        (np.ones((600, 2), bool), r"boolean of shape \(600, 3\), got bool of shape \(600, 2\)"),
        (np.ones((600, 3)), "got float64 of shape"),
    ],
)
def test_eligibility_that_cannot_be(eligible, message, numbers):
    with pytest.raises(ValueError, match=message):
        load(numbers[2]).decide(numbers[1], eligible=eligible)


def test_eligibility_of_one_in_every_form(numbers):
    row = dict(zip(("x0", "x1", "x2", "x3"), numbers[1][0].tolist()))
    served, labels = load(numbers[2]), ["none", "5 off"]
    expected = {arm: served.decide_one(row, eligible=[arm]).treatment for arm in labels}
    assert expected == {arm: arm for arm in labels}
    for arm in labels:
        assert served.decide_one(row, eligible=iter([arm])).treatment == arm
    both = served.decide_one(row, eligible=labels)
    assert served.decide_one(row, eligible=np.array(labels)) == both


@pytest.mark.parametrize("eligible", ["none", ["20 off"], []])
def test_eligibility_of_one_that_cannot_be(eligible, numbers):
    row = dict(zip(("x0", "x1", "x2", "x3"), numbers[1][0].tolist()))
    with pytest.raises(ValueError, match="eligible is expected to hold"):
        load(numbers[2]).decide_one(row, eligible=eligible)


def test_random_share_has_the_propensities_that_it_says(numbers):
    X, folder = numbers[1], numbers[2]
    served, plain = load(folder, exploration=0.2, random_state=0), load(folder)
    rows = np.tile(X, (100, 1))
    found, planned = served.decide(rows), plain.decide(rows).treatment
    assert found.explored.mean() == pytest.approx(0.2, abs=0.005)
    assert (found.treatment == planned)[~found.explored].all()
    # Weights by propensities give back the shares of the whole, arm by arm.
    for label, share in zip(served.treatments, [1 / 3] * 3):
        drawn = found.treatment[found.explored] == label
        assert drawn.mean() == pytest.approx(share, abs=0.01)
        gets = found.treatment == label
        assert (gets / found.propensity).mean() == pytest.approx(1.0, abs=0.05)
    one = [
        served.decide_one(dict(zip(("x0", "x1", "x2", "x3"), X[0].tolist()))) for _ in range(2000)
    ]
    counts = {label: np.mean([d.treatment == label for d in one]) for label in served.treatments}
    for decision in one[:50]:
        assert counts[decision.treatment] == pytest.approx(decision.propensity, abs=0.04)


def test_decisions_say_who_was_eligible_where_it_was_restricted(numbers):
    X, served = numbers[1][:4], load(numbers[2])
    row = dict(zip(("x0", "x1", "x2", "x3"), X[0].tolist()))
    assert served.decide_one(row).eligible is None
    assert served.decide_one(row, eligible=served.treatments).eligible is None
    found = served.decide_one(row, eligible=iter(["none", "5 off"])).eligible
    assert found == tuple(arm for arm in served.treatments if arm in ("none", "5 off"))
    assert served.decide(X).eligible is None
    assert served.decide(X, eligible=np.ones((4, 3), bool)).eligible is None
    may = np.ones((4, 3), bool)
    may[1, served.treatments.index("5 off")] = False
    masks = served.decide(X, eligible=may).eligible
    may[:] = True
    assert {arm: mask.tolist() for arm, mask in masks.items()} == {
        arm: [True, arm != "5 off", True, True] for arm in served.treatments
    }


def test_random_share_is_drawn_among_the_eligible(numbers):
    X, served = numbers[1], load(numbers[2], exploration=0.5, random_state=1)
    found = served.decide(X, eligible={"none": np.zeros(len(X), bool)})
    assert "none" not in found.treatment
    assert set(np.round(found.propensity, 6)) <= {0.75, 0.25}
    row = dict(zip(("x0", "x1", "x2", "x3"), X[0].tolist()))
    only = {served.decide_one(row, eligible=["5 off"])[:2] for _ in range(50)}
    assert only == {("5 off", 1.0)}


def test_budget_covers_what_random_decisions_cost(numbers):
    policy, _, folder = numbers
    served = load(folder, exploration=0.1, random_state=0)
    allocator = policy.allocator_
    random_cost = (
        allocator.cluster_sizes_ @ allocator.cost_
    ).mean() / allocator.cluster_sizes_.sum()
    for budget in (0.2, 0.3, 0.4):
        expected = served.set_budget(budget)
        assert expected <= budget
        assert budget - expected < 0.01
        assert expected == pytest.approx(0.9 * served._plan.cost + 0.1 * random_cost)
    with pytest.raises(BudgetError, match=r"at least 0\.0\d+, that of the cheapest plan"):
        served.set_budget(0.01)
    assert served.expected_cost == expected


def test_budgets_that_are_none(numbers):
    served = load(numbers[2])
    before = served.budget
    with pytest.raises(BudgetError, match="cheapest plan in the folder, got -1"):
        served.set_budget(-1)
    for budget in (np.nan, np.inf, "1", None, 10**400, -(10**400)):
        with pytest.raises(ValueError, match="budget is expected to be a finite number"):
            served.set_budget(budget)
    assert served.budget == before
    with pytest.warns(BudgetWarning, match="divide a total by the number of individuals"):
        served.set_budget(15_000)
    assert served.budget == served.budgets[-1]


@pytest.mark.parametrize("exploration", [-0.1, 1.0, np.nan])
def test_share_that_cannot_be(exploration, numbers):
    with pytest.raises(ValueError, match=r"exploration is expected to be in \[0, 1\)"):
        load(numbers[2], exploration=exploration)


def test_threads_see_one_plan_or_the_other(numbers):
    X, served = numbers[1], load(numbers[2])
    low, high = served.budgets[10], served.budgets[80]
    expected = {}
    for budget in (low, high):
        served.set_budget(budget)
        expected[budget] = served.decide(X).treatment
    wrong, done = [], threading.Event()

    def decide():
        while not done.is_set():
            found = served.decide(X)
            if not (found.treatment == expected[found.budget]).all():
                wrong.append(found.budget)

    threads = [threading.Thread(target=decide) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(100):
        served.set_budget(low)
        served.set_budget(high)
    done.set()
    for thread in threads:
        thread.join()
    assert not wrong
