"""The rows of an experiment: what is accepted, and one sentence for what is not."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from sklearn_hrc._experiment import check_experiment, restore_on_error, take_rows, unseen_labels

GIVEN = {
    "y": [0.0, 1.0, 2.0, 3.0],
    "treatment": [0, 0, 1, 1],
    "cost": None,
    "propensity": None,
    "sample_weight": None,
    "n_samples": 4,
}


def check(**changes):
    return check_experiment(**{**GIVEN, **changes})


def sentence(**changes):
    """Return the error of a check, which must be a single sentence."""
    with pytest.raises(ValueError) as raised:
        check(**changes)
    text = str(raised.value)
    assert "\n" not in text
    assert text.endswith(".")
    assert ". " not in text
    assert "is expected to" in text
    assert "got" in text
    assert "np." not in text  # numpy's repr of its scalars says nothing to a user
    return text


def test_arrays():
    experiment = check(
        treatment=[20, 10, 20, 30],
        cost=[1, 2, 3, 4],
        propensity=[0.5] * 4,
        sample_weight=[0, 1] * 2,
    )
    assert_array_equal(experiment.outcomes, [[0], [1], [2], [3]])
    assert_array_equal(experiment.treatments, [10, 20, 30])
    assert_array_equal(experiment.arm, [1, 0, 1, 2])
    assert experiment.arm.dtype == np.intp
    for values in (experiment.cost, experiment.propensity, experiment.sample_weight):
        assert values.dtype == np.float64


def test_what_is_not_given():
    experiment = check(treatment=None)
    assert_array_equal(experiment.treatments, [0])
    assert_array_equal(experiment.arm, np.zeros(4))
    assert_array_equal(experiment.sample_weight, np.ones(4))
    assert experiment.cost is None
    assert experiment.propensity is None


@pytest.mark.parametrize(
    ("y", "names"),
    [
        ([0, 1, 2, 3], ["y"]),
        (np.zeros((4, 1)), ["y"]),
        (np.zeros((4, 2)), ["y0", "y1"]),
        (np.array([True, False, True, False]), ["y"]),
        (pd.Series([0, 1, 2, 3], name="gmv"), ["gmv"]),
        (pd.Series([0, 1, 2, 3]), ["y"]),
        (pd.Series([0, 1, 2, 3], dtype="Int64", name="gmv"), ["gmv"]),
        (pd.DataFrame({"b": [0, 1, 2, 3], "a": [0.5, 1, 2, 3]}), ["b", "a"]),
        (pd.DataFrame({"b": [0, 1, 2, 3], "a": [0.5, 1, 2, 3]}).convert_dtypes(), ["b", "a"]),
        (pd.DataFrame(np.zeros((4, 2))), ["y0", "y1"]),
    ],
)
def test_outcomes_and_their_names(y, names):
    experiment = check(y=y)
    assert experiment.outcome_names == names
    assert experiment.outcomes.dtype == np.float64
    assert_array_equal(experiment.outcomes, np.asarray(y, dtype=float).reshape(4, -1))


STRINGS = ["b", "a", "c", "a"]
DATES = pd.to_datetime(["2024-01-02", "2024-01-01", "2024-01-03", "2024-01-01"])


@pytest.mark.parametrize(
    "labels",
    [
        STRINGS,
        np.array(STRINGS),
        np.array(STRINGS, dtype=object),
        np.array(STRINGS)[:, None],
        pd.Series(STRINGS),
        pd.Series(STRINGS, dtype="string"),
        pd.Series(STRINGS, dtype="category"),
        pd.Series([7, 3, 9, 3], dtype="category"),
        pd.Series([7, 3, 9, 3], dtype="Int64"),
        pd.Series([7, 3, 9, 3], index=[5, 5, 5, 5]),
        [0.5, -1.0, 2.0, -1.0],
        np.array([7, 2.5, 9, 2.5], dtype=object),
        pd.Series(DATES),
    ],
)
def test_labels(labels):
    experiment = check(treatment=labels)
    assert_array_equal(experiment.arm, [1, 0, 2, 0])
    assert_array_equal(experiment.treatments[experiment.arm], np.asarray(labels).ravel())


def test_boolean_labels():
    for labels in ([True, False] * 2, pd.Series([True, False] * 2, dtype="boolean")):
        assert_array_equal(check(treatment=labels).arm, [1, 0, 1, 0])


@pytest.mark.parametrize(
    "labels",
    [
        ["a", "a", "b", None],
        ["a", "a", "b", np.nan],  # numpy makes the string "nan" of it
        [0, 1, 1, np.nan],
        [0, 1, 1, None],
        np.array([0, 1, 1, np.float32("nan")], dtype=object),
        pd.Series(["a", "a", "b", None]),
        pd.Series(["a", "a", "b", None], dtype="string"),
        pd.Series(["a", "a", "b", None], dtype="category"),
        pd.Series([0, 1, 1, None], dtype="Int64"),
        pd.Series([True, False, True, None], dtype="boolean"),
        np.array(["2024", "2025", "2024", "NaT"], dtype="datetime64[Y]"),
        pd.Series(DATES).where([True, True, True, False]),
    ],
)
def test_missing_labels(labels):
    assert "treatment is expected to have a label in every row" in sentence(treatment=labels)
    assert "the first in row 3" in sentence(treatment=labels)


@pytest.mark.parametrize(
    "labels", [["a", "a", 1, 2], np.array(["a", 0, "a", 0], dtype=object), [b"a", "a", b"a", "b"]]
)
def test_labels_of_several_types(labels):
    assert "one sortable type" in sentence(treatment=labels)


def test_tuples_are_no_labels():
    assert "one sortable type, got tuple" in sentence(treatment=pd.Series([(0, 1), (5, 1)] * 2))


@pytest.mark.parametrize("labels", [3, np.zeros((4, 2)), [0, 1, 1], [1, 1, 1, 1], ["a"] * 4])
def test_labels_of_the_wrong_shape_or_number(labels):
    assert sentence(treatment=labels).startswith("treatment is expected")


def test_single_treatment_is_named():
    assert "got only 'a'" in sentence(treatment=np.array(["a"] * 4))
    assert len(check(treatment=["a"] * 4, min_treatments=1).treatments) == 1


@pytest.mark.parametrize("name", ["y", "cost", "propensity", "sample_weight"])
@pytest.mark.parametrize(
    "values",
    [
        [1, 1, 1, np.nan],
        [1, 1, 1, np.inf],
        [1, 1, 1, -np.inf],
        [1, 1, 1, None],
        [1, 1, 1],
        [1, 1, 1, 1, 1],
        1.0,
        ["a", "b", "c", "d"],
        ["1", "1", "1", "1"],
        np.array([1, 1, 1, "1"], dtype=object),
        np.array([1, 1, 1, np.str_("1")], dtype=object),
        DATES,
        pd.Series(["a", "b", "c", "d"]),
        pd.Series([1, 1, 1, None], dtype="Int64"),
        pd.DataFrame({"a": [1, 1, 1, None], "b": [0.5, 1, 1, 1]}).convert_dtypes(),
        np.ones((4, 2, 2)),
        np.ones((4, 0)),
    ],
    ids=repr,
)
def test_bad_numbers(name, values):
    assert sentence(**{name: values}).startswith(f"{name} is expected")


@pytest.mark.parametrize("name", ["y", "cost", "propensity", "sample_weight"])
def test_numbers_that_are_missing_are_counted(name):
    text = sentence(**{name: [1, np.nan, 1, np.inf]})
    assert "got NaN or infinity in 2 of 4 values, the first in row 1" in text


def test_a_missing_cost_names_its_arm():
    text = sentence(treatment=list("abab"), cost=[1, np.nan, 1, np.nan])
    assert text.endswith("row 1, of the arm 'b'; give 0 where the arm costs nothing.")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("y", [1e307] * 40),
        ("y", [1e200] * 40),
        ("cost", [1e307] * 40),
        ("cost", [1e200] * 40),
        ("sample_weight", [1e308] * 40),
        ("sample_weight", [1e200] * 40),
        ("sample_weight / propensity", [5e-324] * 40),
    ],
)
def test_numbers_whose_sums_overflow(name, values):
    given = {"y": [0.0] * 40, "treatment": [0, 1] * 20, "n_samples": 40}
    text = sentence(**{**given, name.rpartition(" ")[2]: values})
    assert text.startswith(f"{name} is expected to have a finite sum")


@pytest.mark.parametrize("name", ["y", "cost", "propensity", "sample_weight"])
def test_complex_numbers(name):
    with pytest.raises(ValueError, match=rf"^Complex data not supported: {name} is expected to"):
        check(**{name: [1j, 1, 1, 1]})


def test_missing_outcomes():
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        check(y=None)


@pytest.mark.parametrize("name", ["cost", "propensity", "sample_weight"])
def test_columns_of_row_values(name):
    assert getattr(check(**{name: np.ones((4, 1))}), name).shape == (4,)
    assert "one-dimensional" in sentence(**{name: np.ones((4, 2))})


@pytest.mark.parametrize("propensity", [[0, 1, 1, 1], [-0.1, 1, 1, 1], [1.1, 1, 1, 1]])
def test_propensity_out_of_range(propensity):
    assert "in (0, 1]" in sentence(propensity=propensity)


def test_weights_out_of_range():
    assert "non-negative" in sentence(sample_weight=[-1, 1, 1, 1])
    assert "positive total" in sentence(sample_weight=[0, 0, 0, 0])


def test_known_treatments():
    known = np.array(["a", "b", "c"])
    experiment = check(treatment=["c", "c", "a", "a"], known_treatments=known)
    assert_array_equal(experiment.arm, [2, 2, 0, 0])
    assert experiment.treatments is known
    assert "['a', 'b', 'c'], got ['d']" in sentence(treatment=list("abcd"), known_treatments=known)
    # a number is no string that looks like it
    assert "got [1, 2]" in sentence(treatment=[1, 2, 1, 2], known_treatments=np.array(["1", "2"]))
    # however many they are: numpy looks differently for a few labels and for many
    many = 5 * np.arange(30)
    for labels, others in ((many.astype(str), many), (many, np.sort(many.astype(str)))):
        assert_array_equal(unseen_labels(labels, others), np.unique(labels))
    # one label is enough among those known
    assert_array_equal(check(treatment=["b"] * 4, known_treatments=known).arm, [1, 1, 1, 1])


def test_take_rows():
    experiment = check(cost=[1, 2, 3, 4])
    taken = take_rows(experiment, np.array([False, True, True, False]))
    assert_array_equal(taken.outcomes, [[1], [2]])
    assert_array_equal(taken.arm, [0, 1])
    assert_array_equal(taken.cost, [2, 3])
    assert taken.propensity is None
    assert taken.treatments is experiment.treatments


@settings(derandomize=True, deadline=None)
@given(st.lists(st.text(max_size=3), min_size=1, max_size=20))
def test_arms_index_treatments(labels):
    # numpy's fixed-width strings do not keep a trailing null
    labels = [label.rstrip("\0") for label in labels]
    experiment = check(
        y=np.zeros(len(labels)), treatment=labels, n_samples=len(labels), min_treatments=1
    )
    assert experiment.treatments[experiment.arm].tolist() == labels
    assert experiment.treatments.tolist() == sorted(set(labels))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_restore_on_error(error):
    class Fitted:
        def __init__(self):
            self.kept, self.deleted = [1], [2]

        @restore_on_error
        def fit(self):
            """Change everything and fail."""
            self.kept = self.new = 3
            del self.deleted
            raise error

    fitted = Fitted()
    before = dict(vars(fitted))
    with pytest.raises(error):
        fitted.fit()
    assert vars(fitted) == before
    assert fitted.fit.__doc__ == "Change everything and fail."
