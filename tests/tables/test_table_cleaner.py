"""The first step gives the columns of the fit from any table."""

import numpy as np
import pytest
from helpers.campaigns import campaign, people
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sklearn_hrc.tables import TableCleaner

pd = pytest.importorskip("pandas")

FEATURES = ["since", "country", "age", "last_spend"]


@pytest.fixture(scope="module")
def fitted():
    return TableCleaner().fit(campaign(300)[FEATURES])


def test_kinds(fitted):
    kinds = {name: kind["name"] for name, kind in fitted.kinds_.items()}
    assert list(kinds.values()) == ["date", "category", "number", "number"]
    assert fitted.get_feature_names_out().tolist() == FEATURES
    assert fitted.n_features_in_ == 4


def test_further_columns_and_another_order_change_nothing(fitted):
    new = people(200)
    expected = fitted.transform(new[FEATURES])
    assert list(expected) == FEATURES
    pd.testing.assert_frame_equal(fitted.transform(new[new.columns[::-1]]), expected)


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_libraries_give_equal_columns(fitted, library):
    module = pytest.importorskip(library)
    new = people(200)
    expected = fitted.transform(new)
    if library == "pyarrow":
        given = module.Table.from_pandas(new)
    else:
        given = module.DataFrame({name: new[name].tolist() for name in new}, nan_to_null=True)
    pd.testing.assert_frame_equal(fitted.transform(given), expected)


def test_a_matrix_has_columns_without_names():
    X = np.random.default_rng(0).normal(size=(50, 2))
    np.testing.assert_array_equal(TableCleaner().fit(X).transform(X), X)


def test_names_that_are_numbers_become_text():
    frame = pd.DataFrame({2020: [1.0, 2.0], "b": [3.0, 4.0]})
    assert list(TableCleaner().fit_transform(frame)) == ["2020", "b"]


def test_missing_columns_are_a_sentence(fitted):
    new = people(200).rename(columns={"age": "Age", "country": "land"})
    with pytest.raises(ValueError, match="none called 'country', 'age'; the columns are"):
        fitted.transform(new)
    with pytest.raises(ValueError, match="none called 'age'; the nearest name is 'Age'"):
        fitted.transform(people(200).rename(columns={"age": "Age"}))


def test_ids_are_left_out_with_a_warning():
    table = campaign(300)[["customer_id", *FEATURES]]
    with pytest.warns(UserWarning, match="'customer_id' look like ids"):
        cleaner = TableCleaner().fit(table)
    assert list(cleaner.left_out_) == ["customer_id"]
    # A list needs no ids.
    assert list(cleaner.transform(people(50)[FEATURES])) == FEATURES
    assert "customer_id" in TableCleaner(keep="customer_id").fit(table).kinds_


@pytest.mark.parametrize(
    ("X", "keep", "words"),
    [
        (pd.DataFrame({"a": []}), (), "at least one row"),
        (pd.DataFrame({"id": range(100)}), (), "none but ids"),
        (pd.DataFrame({"age": [1, 2]}), "agee", "keep is .* the nearest name is 'age'"),
    ],
)
def test_bad_tables(X, keep, words):
    with pytest.raises(ValueError, match=words):
        TableCleaner(keep=keep).fit(X)


def test_a_failed_fit_leaves_the_estimator_as_it_was(fitted):
    cleaner = clone(fitted).fit(campaign(300)[FEATURES])
    with pytest.raises(ValueError, match="none but ids"):
        cleaner.fit(pd.DataFrame({"id": range(100)}))
    assert list(cleaner.kinds_) == FEATURES


def test_it_must_be_fitted():
    with pytest.raises(NotFittedError):
        TableCleaner().transform(people(5))
