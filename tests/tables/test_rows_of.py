"""Rows of an experiment by the names of columns: values, notes, and what bad tables get."""

import warnings

import numpy as np
import pytest
from helpers.campaigns import ROLES, campaign
from numpy.testing import assert_array_equal

from sklearn_hrc.metrics import check_randomisation
from sklearn_hrc.tables import Rows, TableCleaner, rows_of

pd = pytest.importorskip("pandas")


@pytest.fixture
def table():
    return campaign(600)


def test_columns_go_where_they_are_named(table):
    rows = rows_of(table, **ROLES)
    assert isinstance(rows, Rows)
    assert list(rows.X) == ["since", "country", "age", "last_spend"]
    pd.testing.assert_frame_equal(rows.X, table[list(rows.X)])
    assert rows.y.name == "sales"
    assert_array_equal(rows.y, table["sales"])
    assert list(rows.metadata) == ["treatment", "cost", "groups"]
    for name, column in [("treatment", "coupon"), ("cost", "spent"), ("groups", "household")]:
        assert_array_equal(rows.metadata[name], table[column])


def test_several_outcomes_make_a_frame(table):
    table["n_orders"] = (table["sales"] > 0).astype(int)
    rows = rows_of(table, **{**ROLES, "outcome": ["n_orders", "sales"]})
    assert list(rows.y) == ["n_orders", "sales"]


def test_weights_and_propensities(table):
    table["weight"] = 2.0
    table["chance"] = table["coupon"].map({"none": 0.4, "mail": 0.3, "letter": 0.3})
    rows = rows_of(table, **ROLES, sample_weight="weight", propensity="chance")
    assert_array_equal(rows.metadata["sample_weight"], table["weight"])
    assert_array_equal(rows.metadata["propensity"], table["chance"])


def test_an_ordered_categorical_keeps_its_order(table):
    order = ["none", "mail", "letter"]
    table["coupon"] = pd.Categorical(table["coupon"], order, ordered=True)
    rows = rows_of(table, **ROLES)
    assert rows.metadata["treatment"].dtype.categories.tolist() == order
    places = [rows.describe().index(f"\n{arm} ") for arm in order]
    assert places == sorted(places)


def test_figures_by_hand():
    table = pd.DataFrame(
        {
            "x": np.tile([1.0, 2.0, 4.0, np.nan], 100),
            "arm": np.repeat(["a", "b"], [304, 96]),
            "y": np.tile(np.repeat([0.0, 2.0], 4), 50),
            "paid": np.repeat([0.0, 3.0], [304, 96]),
        }
    )
    reading = rows_of(table, outcome="y", treatment="arm", cost="paid")._reading
    assert reading.n_rows == 400
    assert [arm[:3] for arm in reading.arms] == [("a", 304, 0.0), ("b", 96, 3.0)]
    # Variance 1, but for the degree of freedom.
    least = 2.8 * np.sqrt(1 / 303 + 1 / 95)
    assert reading.arms[0][3] is None
    assert reading.arms[1][3] == pytest.approx(least)
    assert reading.outcomes == [("y", 1.0, 0.5, 0.0, 2.0), ("paid", 0.72, 0.76, 0.0, 3.0)]
    assert reading.missing == [("x", 0.25)]
    assert reading.kinds == {"number": 1, "date": 0, "category": 0}


def test_the_randomisation_check_is_that_of_the_metrics():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=400), "y": rng.normal(size=400)})
    table["arm"] = rng.integers(0, 2, 400)
    told = rows_of(table, outcome="y", treatment="arm")._reading.randomisation
    check = check_randomisation(table[["x"]], table["arm"], n_permutations=199, random_state=0)
    assert told == check.conclusion


def test_chosen_arms_are_told():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=2000), "y": rng.normal(size=2000)})
    table["arm"] = (table["x"] + 4 * rng.normal(size=2000) > 0).astype(int)
    with pytest.warns(UserWarning, match="'x'"):
        rows = rows_of(table, outcome="y", treatment="arm")
    assert "The features tell the received arm" in rows.describe()


def test_ids_are_left_out_with_a_note_or_kept(table):
    rows = rows_of(table, **ROLES)
    assert any("'customer_id' looks like an id" in note for note in rows.notes)
    rows = rows_of(table, **ROLES, keep="customer_id")
    assert "customer_id" in rows.X
    assert not any("customer_id" in note for note in rows.notes)


def test_leaks_are_warned_of_ignored_or_kept(table):
    table["n_orders"] = (table["sales"] > 0).astype(int)
    with pytest.warns(UserWarning, match=r"ignore=\['n_orders'\]"):
        rows = rows_of(table, **ROLES)
    assert "n_orders" in rows.X
    assert "'n_orders' may have been recorded after" in rows.notes[0]
    assert "n_orders" not in rows_of(table, **ROLES, ignore="n_orders").X
    assert "n_orders" in rows_of(table, **ROLES, keep="n_orders").X


@pytest.mark.parametrize("empty", [[], ["none"]])
def test_an_arm_without_costs_is_free(table, empty):
    full = table["spent"].copy()
    table.loc[table["coupon"].isin(empty), "spent"] = np.nan
    rows = rows_of(table, **ROLES)
    assert_array_equal(rows.metadata["cost"], full)
    assert any("The cost of 'none' was empty" in note for note in rows.notes) == bool(empty)


def test_numbers_in_text(table):
    with_comma = table.assign(
        sales=table["sales"].map(lambda value: f"{value:.2f}".replace(".", ","))
    )
    rows = rows_of(with_comma, **ROLES)
    assert_array_equal(rows.y, table["sales"])
    assert "Text in 'sales' was read as numbers with a decimal comma." in rows.notes


def test_negative_costs_are_noted(table):
    table.loc[[3, 7], "spent"] = -1.0
    assert any(
        "'spent' is negative in 2 rows (3, 7)" in note for note in rows_of(table, **ROLES).notes
    )


def test_arms_that_differ_by_spaces_are_noted(table):
    table.loc[table.index[::9], "coupon"] = "Mail "
    assert any("'mail' but for capitals" in note for note in rows_of(table, **ROLES).notes)


def test_small_arms_are_named(table):
    table.loc[:4, "coupon"] = "gift"
    told = rows_of(table, **ROLES).describe()
    assert "Arm 'gift' has 5 rows, too few" in told
    assert "Arm 'mail' has" in told


def _text(table):
    table["sales"] = table["sales"].astype(object)
    table.loc[3, "sales"] = "12 euros"


def _unclear(table):
    table["sales"] = "1,250"


def _gap(column, rows=(3, 5)):
    def change(table):
        table.loc[list(rows), column] = np.nan

    return change


def _set(column, value):
    def change(table):
        table[column] = value

    return change


@pytest.mark.parametrize(
    ("change", "roles", "words"),
    [
        (None, {"outcome": "sale"}, "outcome is .* got 'sale'; the nearest name is 'sales'"),
        (None, {"treatment": "zzz"}, "treatment is .*; the columns are 'customer_id', 'since'"),
        (None, {"ignore": ["agee"]}, "ignore is .* 'agee'; the nearest name is 'age'"),
        (None, {"outcome": ["sales", "sales"]}, "outcome is expected to name every column once"),
        (None, {"cost": "sales"}, "cost is .* 'sales', which is that of outcome"),
        (None, {"outcome": "since"}, "outcome 'since' .* got '20"),
        (_text, {}, r"outcome 'sales' .* got '12 euros' in row 3; turn"),
        (_unclear, {}, "'1,250', whose comma may stand for decimals or thousands"),
        (_gap("sales"), {}, r"outcome 'sales' .* got none in 2 rows \(3, 5\)"),
        (_gap("coupon"), {}, r"treatment 'coupon' .* got none in 2 rows \(3, 5\); .*fillna"),
        (
            _gap("household", range(9)),
            {},
            r"groups 'household' .* 9 rows \(0, 1, 2, 3, 4, \.\.\.\)",
        ),
        (_gap("spent"), {}, r"cost 'spent' .* got none in 2 rows \(3, 5\); give 0"),
        (_set("spent", np.nan), {}, "cost 'spent' .* got no number in any row"),
        (_set("coupon", "mail"), {}, "at least two arms, got only 'mail'"),
        (None, {"treatment": "customer_id"}, "treatment 'customer_id' .* a few arms, got 600"),
        (_set("spent", pd.Timestamp("2024-01-01")), {}, "cost 'spent' .* got dates"),
        (
            _set("spent", 2.0),
            {"propensity": "age"},
            "propensity 'age' is expected to have a number",
        ),
        (_set("age", 2.0), {"propensity": "age"}, r"propensity is expected to be in \(0, 1\]"),
        (
            None,
            {"ignore": ["since", "country", "age", "last_spend"]},
            "features .* got none but ids",
        ),
    ],
)
def test_bad_tables_are_a_sentence(table, change, roles, words):
    if change is not None:
        change(table)
    with pytest.raises(ValueError, match=words) as error:
        rows_of(table, **{**ROLES, **roles})
    assert "\n" not in str(error.value)


def test_an_arm_that_costs_nothing_is_not_guessed_beside_a_free_one(table):
    table.loc[table["coupon"] == "mail", "spent"] = np.nan
    with pytest.raises(ValueError, match="cost 'spent'"):
        rows_of(table, **ROLES)


def _of_arm(table, arm, rows=slice(None)):
    return table.index[table["coupon"] == arm][rows]


def test_gaps_beside_an_arm_without_costs_are_named_alone(table):
    gaps = _of_arm(table, "mail", slice(2))
    table.loc[_of_arm(table, "none").union(gaps), "spent"] = np.nan
    words = rf"but those of 'none', got none in 2 rows \({gaps[0]}, {gaps[1]}\); give their cost,"
    with pytest.raises(ValueError, match=words) as error:
        rows_of(table, **ROLES)
    assert "give 0" not in str(error.value)


def test_a_negative_cost_of_an_arm_without_costs_is_named(table):
    table.loc[_of_arm(table, "none"), "spent"] = np.nan
    row = _of_arm(table, "none")[3]
    table.loc[row, "spent"] = -4.0
    with pytest.raises(ValueError, match=rf"of 'none' or in none, got -4 in row {row} and nothing"):
        rows_of(table, **ROLES)


def test_codes_with_noughts_are_read_from_a_file_as_from_a_frame(table, tmp_path):
    table["customer_id"] = [f"{row:07d}" for row in range(len(table))]
    table["zip"] = np.where(table["country"] == "DE", "01067", "80331")
    table.to_csv(tmp_path / "campaign.csv", index=False)
    rows = rows_of(tmp_path / "campaign.csv", **ROLES)
    assert list(rows.X) == list(rows_of(table, **ROLES).X)
    assert rows.X["zip"].tolist() == table["zip"].tolist()
    # A list without noughts in front is served alike, whether it holds text or integers.
    cleaner = TableCleaner().fit(rows.X[["zip"]])
    expected = pd.DataFrame({"zip": ["80331"]}, dtype=object)
    for code in ("80331", 80331):
        pd.testing.assert_frame_equal(cleaner.transform({"zip": [code]}), expected)


@pytest.mark.parametrize(
    ("frame", "error", "words"),
    [
        (pd.DataFrame({"a;b;c": ["1;2;3"]}), ValueError, "sep=';'"),
        (pd.DataFrame({"a\tb": ["1\t3"]}), ValueError, r"sep='\\t'"),
        (pd.DataFrame({"y": [], "t": []}), ValueError, "hold rows, got none"),
        (pd.DataFrame([[1, 2]], columns=["y", "y"]), ValueError, "'y' 2 times"),
        (3, TypeError, "got a int"),
        ([1, 2], TypeError, "got a list"),
    ],
)
def test_what_is_no_table(frame, error, words):
    with pytest.raises(error, match=words):
        rows_of(frame, outcome="y", treatment="t")


def test_the_order_of_columns_and_rows_changes_nothing(table):
    rows = rows_of(table, **ROLES)
    turned = rows_of(table[table.columns[::-1]], **ROLES)
    pd.testing.assert_frame_equal(turned.X[list(rows.X)], rows.X)
    mixed = rows_of(table.sample(frac=1, random_state=0), **ROLES)
    assert mixed._reading.arms == [
        (label, rows_, pytest.approx(cost), pytest.approx(least) if least else None)
        for label, rows_, cost, least in rows._reading.arms
    ]
    assert set(mixed.notes) == set(rows.notes)


@pytest.mark.parametrize("library", ["dict", "polars", "lazy", "arrow", "csv"])
def test_libraries_give_equal_rows(table, library, tmp_path):
    expected = rows_of(table, **ROLES)
    if library == "dict":
        given = {name: table[name].tolist() for name in table}
    elif library == "csv":
        given = tmp_path / "campaign.csv"
        table.to_csv(given, index=False)
    elif library == "arrow":
        given = pytest.importorskip("pyarrow").Table.from_pandas(table)
    else:
        given = pytest.importorskip("polars").DataFrame(
            {name: table[name].tolist() for name in table}, nan_to_null=True
        )
        given = given.lazy() if library == "lazy" else given
    rows = rows_of(given, **ROLES)
    assert rows.describe() == expected.describe()
    assert_array_equal(rows.X["age"], expected.X["age"])
    assert_array_equal(rows.X["since"].astype(str), expected.X["since"].astype(str))
    for name, values in expected.metadata.items():
        assert_array_equal(rows.metadata[name], values)


def test_many_categories(table):
    many = pd.concat([table] * 100, ignore_index=True)
    many["word"] = [f"word {row % 50_000} of many" for row in range(len(many))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # repeated rows of a person
        rows = rows_of(many, **ROLES)
    assert "word" in rows.X
