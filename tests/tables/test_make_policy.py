"""A policy for raw tables: steps, lists of next month, gaps, seeds and planted truth."""

import pickle
import sys
import warnings

import numpy as np
import pytest
import sklearn
from helpers.campaigns import ROLES, campaign, people
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from sklearn_hrc.goals import Profit
from sklearn_hrc.planning import plan_list
from sklearn_hrc.rules import MaxShare
from sklearn_hrc.tables import make_policy, rows_of

pd = pytest.importorskip("pandas")
pytest.importorskip("skrub")


@pytest.fixture(autouse=True)
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def small_policy(**parameters):
    policy = make_policy(control="none", random_state=0, **parameters)
    return policy.set_params(represent__max_epochs=3, represent__members=())


@pytest.fixture(scope="module")
def fitted():
    with sklearn.config_context(enable_metadata_routing=True):
        rows = rows_of(campaign(1200), **ROLES)
        return small_policy(budget=0.2, n_clusters=8).fit(rows.X, rows.y, **rows.metadata)


def test_steps_and_parameters():
    rules = [MaxShare("mail", 0.5)]
    policy = make_policy(
        control="none", budget=2.0, rules=rules, objective="sales", arm_cost={"none": 0, "mail": 1},
        n_clusters=5, keep=["town"], random_state=3, risk="cvar", goal=None,
    )  # fmt: skip
    assert type(policy) is Pipeline
    names = ["clean", "encode", "impute", "scale", "represent", "cluster", "allocate"]
    assert list(policy.named_steps) == names
    given = policy.get_params()
    assert given["allocate__budget"] == 2.0
    assert given["allocate__rules"] is rules
    assert given["allocate__risk"] == "cvar"
    assert given["clean__keep"] == ["town"]
    for step in ("cluster", "allocate"):
        assert given[f"{step}__objective"] == "sales"
        assert given[f"{step}__arm_cost"] == {"none": 0, "mail": 1}
    assert all(given[f"{step}__random_state"] == 3 for step in ("represent", "cluster", "allocate"))
    assert make_policy(goal=Profit(2.0)).get_params()["allocate__goal"] == Profit(2.0)


def test_what_the_network_sees(fitted):
    new = people(300)
    columns = fitted[:4].transform(new)
    assert list(columns) == [
        "since_total_seconds",
        "country_DE",
        "country_FR",
        "country_PL",
        "age",
        "last_spend",
        "missingindicator_age",
    ]
    assert np.isfinite(columns.to_numpy()).all()
    assert np.abs(columns.to_numpy()).max() <= 3
    assert fitted["represent"].feature_names_in_.tolist() == list(columns)


def test_a_list_in_another_order_with_further_columns_gets_the_same(fitted):
    new = people(300)
    arms = fitted.predict(new)
    assert set(arms) <= {"none", "mail", "letter"}
    turned = new[new.columns[::-1]].assign(more=1, other="x")
    assert_array_equal(fitted.predict(turned), arms)
    assert_array_equal(fitted.predict(new.iloc[:7]), arms[:7])
    plan = plan_list(fitted, new, total_budget=30)
    assert plan.total_cost <= 30 * (1 + 1e-12)
    turned_plan = plan_list(fitted, turned, total_budget=30, same_arm_within="household")
    assert turned_plan.total_cost <= 30 * (1 + 1e-12)


def test_decisions_are_the_same_after_pickling(fitted):
    new = people(300)
    copy = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(copy.predict(new), fitted.predict(new))
    assert_array_equal(copy[:-1].transform(new), fitted[:-1].transform(new))
    plans = [plan_list(one, new, total_budget=30) for one in (copy, fitted)]
    assert_array_equal(plans[0].arms, plans[1].arms)
    assert plans[0].total_response == plans[1].total_response


def test_months_are_learnt_from(fitted):
    table = campaign(600)
    table["since"] = pd.to_datetime(table["since"]).dt.to_period("M")
    rows = rows_of(table, **ROLES)
    cleaned = fitted["clean"].transform(rows.X)["since"]
    assert_array_equal(cleaned, table["since"].dt.to_timestamp())
    columns = small_policy()[:2].fit(rows.X).transform(rows.X)
    assert columns["since_total_seconds"].nunique() == table["since"].nunique()


def test_new_categories_and_gaps_are_allowed(fitted):
    new = people(300)
    new.loc[:40, "country"] = "BE"
    new.loc[20:60, "country"] = None
    new["since"] = None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(fitted.predict(new)) == 300
        assert len(plan_list(fitted, new, total_budget=30).arms) == 300


def test_a_missing_column_is_a_sentence(fitted):
    new = people(30).drop(columns="age")
    for use in (fitted.predict, lambda table: plan_list(fitted, table, total_budget=3)):
        with pytest.raises(ValueError, match="X is .* got none called 'age'") as error:
            use(new)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_libraries_get_equal_arms(fitted, library):
    module = pytest.importorskip(library)
    new = people(300)
    if library == "pyarrow":
        given = module.Table.from_pandas(new)
    else:
        given = module.DataFrame({name: new[name].tolist() for name in new}, nan_to_null=True)
        plan = plan_list(fitted, given, total_budget=30)
        assert_array_equal(plan.arms, plan_list(fitted, new, total_budget=30).arms)
    assert_array_equal(fitted.predict(given), fitted.predict(new))


def test_the_seed_decides(fitted):
    rows = rows_of(campaign(1200), **ROLES)
    again = clone(fitted).fit(rows.X, rows.y, **rows.metadata)
    assert_array_equal(again.predict(people(300)), fitted.predict(people(300)))


def test_messy_columns_are_learnt_from():
    table = campaign(600)
    rng = np.random.default_rng(0)
    table["since"] = [
        f"{day[8:]}.{day[5:7]}.{day[:4]}" if row % 3 else day
        for row, day in enumerate(table["since"])
    ]
    table["mixed"] = [row if row % 2 else f"type {row % 7}" for row in range(600)]
    table["constant"] = 1
    table["empty"] = None
    table["heavy"] = np.exp(8 * rng.normal(size=600))
    table["endless"] = np.where(rng.random(600) < 0.1, np.inf, 1.0)
    table["flag"] = rng.choice([True, False, None], 600)
    rows = rows_of(table, **ROLES)
    policy = small_policy(n_clusters=4).fit(rows.X, rows.y, **rows.metadata)
    assert np.isfinite(policy[:4].transform(table).to_numpy()).all()
    assert len(policy.predict(table)) == 600


def test_many_categories_make_few_columns():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"word": [f"word {k} a" for k in rng.zipf(1.3, 100_000)]})
    assert table["word"].nunique() > 9_000
    steps = make_policy()[:4].fit(table)
    assert steps.transform(table).shape[1] <= 41
    assert steps.transform(pd.DataFrame({"word": ["never seen"]})).shape[0] == 1


def test_routing_that_is_off_is_warned_of():
    with (
        sklearn.config_context(enable_metadata_routing=False),
        pytest.warns(UserWarning, match=r"set_config\(enable_metadata_routing=True\)"),
    ):
        make_policy()


def test_unknown_parameters_are_refused():
    with pytest.raises(TypeError, match="got 'max_epochs'; set those of other steps"):
        make_policy(max_epochs=3)


def test_without_skrub_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "skrub", None)
    with pytest.raises(ImportError, match=r"make_policy requires skrub.*sklearn-hrc\[table\]"):
        make_policy()


@pytest.mark.slow
def test_letters_go_to_those_they_move():
    rows = rows_of(campaign(8000), **ROLES)
    policy = make_policy(control="none", budget=0.4, random_state=0)
    policy.fit(rows.X, rows.y, **rows.metadata)
    new = people(4000)
    arms, lapsed = policy.predict(new), new["last_spend"].to_numpy() == 0
    # Mails gain more for their cost and go to all others, 0.6 at 0.2. What is left of the budget
    # buys letters at 0.8 for seven in eight of the lapsed, who are 0.4.
    assert abs((arms[lapsed] == "letter").mean() - 0.875) < 0.05
    assert (arms[~lapsed] == "mail").mean() > 0.9
