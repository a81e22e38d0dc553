"""Columns of features: values, ranks, hinges and atoms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hrc._predictor import encoding as module
from sklearn_hrc._predictor.encoding import (
    bending_columns,
    encode,
    encode_own,
    fit_encoding,
    own_columns,
    straight_columns,
)


def columns_of(features, weight=None, given=None):
    """Columns of `given` features under the encoding of `features`, and the encoding."""
    features = np.asarray(features)
    features = features[:, None] if features.ndim == 1 else features
    weight = np.ones(len(features)) if weight is None else weight
    encoding = fit_encoding(features, weight)
    given = features if given is None else np.asarray(given).reshape(-1, features.shape[1])
    return encode(given, encoding), encoding


def mixed(seed=0, n_rows=500):
    """Many values, many zeros, few values, counts, one value."""
    rng = np.random.default_rng(seed)
    spend = np.where(rng.random(n_rows) < 0.3, 0.0, rng.exponential(size=n_rows))
    return np.column_stack(
        [
            rng.normal(size=n_rows),
            spend,
            rng.integers(0, 3, n_rows),
            rng.poisson(9, n_rows),
            np.full(n_rows, 7.0),
        ]
    )


def rank_by_hand(values):
    """Share of the rows below, from -1 to 1, rows alike in the middle."""
    below = (values[:, None] > values).mean(axis=1)
    not_above = (values[:, None] >= values).mean(axis=1)
    return below + not_above - 1


def test_few_values_stand_as_they_are():
    values = np.array([0.0, 0, 3, 1, 0, 2])
    columns, encoding = columns_of(values)
    assert_array_equal(columns[:, 0], 1)
    assert_allclose(columns[:, 1], (values - 1) / np.sqrt(4 / 3))
    assert encoding.knots == [None]
    assert_array_equal(encoding.group, [0, 1])
    # also beyond what was seen
    assert_allclose(encode(np.array([[9.0]]), encoding)[0, 1], 8 / np.sqrt(4 / 3))


def test_nine_values_are_many():
    few, many = np.arange(800.0) % 8, np.arange(900.0) % 9
    assert columns_of(few)[0].shape[1] == 2
    # the rank, the value, two hinges and the smallest value, which a ninth of the rows has
    assert columns_of(many)[0].shape[1] == 6
    # the ninth value among the last rows only
    late = np.append(np.arange(8000.0) % 8, 8.0)
    assert columns_of(late)[1].knots[0] is not None


def test_columns_are_standardised_and_know_their_feature():
    columns, encoding = columns_of(mixed())
    assert_array_equal(encoding.group, [0] + [1] * 4 + [2] * 5 + [3] + [4] * 4 + [5])
    assert_allclose(columns[:, 1:].mean(axis=0), 0, atol=1e-12)
    assert_allclose(columns[:, 1:-1].std(axis=0), 1)
    assert np.isinf(encoding.scale[-1])
    assert_array_equal(columns[:, -1], 0)


@pytest.mark.parametrize("draws", ["normal", "exponential"])
def test_ranks_do_not_depend_on_the_distribution(draws):
    values = getattr(np.random.default_rng(0), draws)(size=1000)
    columns, _ = columns_of(values)
    rank = rank_by_hand(values)
    # knots are 5 rows apart
    assert_allclose(columns[:, 1], rank / rank.std(), atol=0.02)


def test_rows_alike_have_the_middle_of_their_ranks():
    values = np.repeat(np.arange(10.0), 100)
    encoding = fit_encoding(values[:, None], np.ones(1000))
    rank = module._rank(np.arange(10.0), encoding.knots[0])
    assert_allclose(rank, np.arange(-0.9, 1, 0.2), atol=0.01)
    assert_allclose(rank, rank_by_hand(values)[::100], atol=0.01)
    # between two values lies what is between them
    assert_allclose(module._rank(np.array([4.5]), encoding.knots[0]), 0, atol=0.01)


def test_columns_of_a_feature_by_hand():
    values = np.linspace(-3, 3, 2001)
    encoding = fit_encoding(values[:, None], np.ones(2001))
    rank, value, up, down = module._columns(values, encoding.knots[0], np.nan, 4)
    assert_allclose(rank, values / 3, atol=2e-3)
    assert_allclose(value, np.clip(values, -2.97, 2.97), atol=4e-3)
    assert_allclose(up, np.maximum(values / 3 - 0.33, 0), atol=2e-3)
    assert_allclose(down, np.maximum(-0.33 - values / 3, 0), atol=2e-3)


def test_values_beyond_the_quantiles_change_nothing():
    values = np.random.default_rng(0).normal(size=(1000, 1))
    encoding = fit_encoding(values, np.ones(1000))
    for side in (-1.0, 1.0):
        columns = encode(side * np.array([[4.0], [1e3], [1e30]]), encoding)
        assert_array_equal(columns, columns[[0, 0, 0]])
    # one wild row moves the columns of others by little
    values[0] = 1e6
    other = encode(values, fit_encoding(values, np.ones(1000)))
    assert_allclose(other[1:], encode(values, encoding)[1:], atol=0.1)


def test_smallest_value_of_many_rows_has_a_column():
    rng = np.random.default_rng(0)
    spend = rng.exponential(size=1000)
    spend[rng.permutation(1000)[:300]] = 0.0
    columns, encoding = columns_of(spend)
    assert encoding.atom == [0.0]
    assert_allclose(columns[:, -1], ((spend == 0) - 0.3) / np.sqrt(0.21))
    # little is not nothing
    little = encode(np.array([[0.0], [1e-6]]), encoding)[:, -1]
    assert little[0] > 0 > little[1]
    # 50 of 1000 are not more than one in twenty
    for n_zeros, has_atom in [(50, False), (51, True)]:
        spend = np.append(np.zeros(n_zeros), 1 + np.arange(1000.0 - n_zeros))
        assert np.isnan(columns_of(spend)[1].atom[0]) != has_atom


def test_spikes_elsewhere_have_no_column():
    values = np.random.default_rng(0).normal(size=1000)
    values[:300] = 0.5
    columns, encoding = columns_of(values)
    assert np.isnan(encoding.atom[0])
    assert columns.shape[1] == 5


def test_weights_count_like_repeated_rows():
    features = mixed()
    weight = np.random.default_rng(1).integers(1, 4, len(features))
    repeated = np.repeat(features, weight, axis=0)
    weighted = encode(features, fit_encoding(features, weight * 1.0))
    expected = encode(features, fit_encoding(repeated, np.ones(len(repeated))))
    assert_allclose(weighted, expected, atol=1e-9)
    assert np.abs(weighted - columns_of(features)[0]).max() > 0.02


@pytest.mark.parametrize("factor", [2.0**-20, 3.7, 1e6])
def test_units_do_not_matter(factor):
    features = mixed()
    assert_allclose(columns_of(factor * features)[0], columns_of(features)[0], atol=1e-6)
    weighted = columns_of(features, np.full(len(features), factor))[0]
    assert_allclose(weighted, columns_of(features)[0], atol=1e-9)


def test_shift_matters_to_none_but_by_rounding():
    features = mixed()
    assert_allclose(columns_of(features + 5)[0], columns_of(features)[0], atol=1e-4)


def test_dtype_and_input_are_kept():
    features = mixed()
    for dtype in (np.float32, np.float64):
        given = features.astype(dtype)
        columns, _ = columns_of(given)
        assert columns.dtype == dtype
        assert_array_equal(given, features.astype(dtype))


def test_single_precision_serves_what_double_precision_has_fitted():
    # scaled, so that float32 rounds all values, also those that many rows share
    features = (mixed() - 0.1) / 3.3
    encoding = fit_encoding(features, np.ones(len(features)))
    single = features.astype(np.float32)
    assert (single != features).any(axis=0).all()
    assert_allclose(encode(single, encoding), encode(features, encoding), atol=1e-5)


@pytest.mark.parametrize(("n_features", "richness"), [(119, 4), (120, 2), (399, 2), (400, 1)])
def test_wide_tables_have_fewer_columns_of_a_feature(n_features, richness):
    features = np.random.default_rng(0).normal(size=(30, n_features))
    features[:, 0] = np.arange(30) % 2
    columns, encoding = columns_of(features)
    assert encoding.richness == richness
    assert columns.shape[1] == 1 + 1 + richness * (n_features - 1)


@pytest.mark.parametrize(("n_features", "bends"), [(3, 3), (120, 1), (400, 1)])
def test_hinges_and_atoms_bend(n_features, bends):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, n_features))
    features[:, 0] = np.maximum(features[:, 0], 0)  # an atom
    features[:, 1] = rng.integers(0, 3, 300)
    encoding = fit_encoding(features, np.ones(300))
    found = bending_columns(encoding)
    assert found.shape == encoding.group.shape
    assert found[encoding.group == 1].sum() == bends
    assert found[encoding.group == 1][-1]
    assert not found[encoding.group == 0].any()
    assert not found[encoding.group == 1][: min(encoding.richness, 2)].any()
    assert not found[encoding.group == 2].any()
    assert found[encoding.group == 3].sum() == bends - 1


@pytest.mark.parametrize("n_features", [3, 120, 400])
def test_straight_columns_are_values(n_features):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, n_features))
    features[:, 0] = np.maximum(features[:, 0], 0)  # an atom
    features[:, 1] = rng.integers(0, 3, 300)
    columns, encoding = columns_of(features)
    straight = columns[:, straight_columns(encoding)]
    assert straight.shape == (300, 1 + n_features)
    assert_array_equal(straight[:, 0], 1)
    inner = np.abs(features[:, 2]) < 1.5
    for k in (0, 1, 2):
        # the rank, where there are too many features for values
        exact = 0.9999 if n_features < 400 or k == 1 else 0.85
        assert np.corrcoef(straight[inner, 1 + k], features[inner, k])[0, 1] > exact


def test_own_columns_are_ranks_with_tails_or_few_values():
    features = mixed()
    columns, encoding = columns_of(features)
    own = own_columns(columns, encoding)
    assert own.shape == features.shape
    for k in (0, 1, 3):
        rank = module._rank(features[:, k], encoding.knots[k])
        assert_allclose(own[:, k], (module._with_tails(rank) - rank.mean()) / rank.std())
    few = features[:, 2]
    assert_allclose(own[:, 2], (few - few.mean()) / few.std())
    assert_array_equal(own[:, 4], 0)
    assert_allclose(encode_own(features, encoding, np.float64), own, rtol=1e-9, atol=1e-12)


def test_tails_are_half_those_of_a_normal_feature():
    # Normal scores of the shares 1/2, 3/4, 0.975 and 0.997, by tables.
    scores = np.array([0, 0.6745, 1.9600, 2.7478])
    rank = np.array([0, 0.5, 0.95, 1.0])
    expected = (rank + scores / np.sqrt(3)) / 2
    assert_allclose(module._with_tails(rank), expected, atol=1e-4)
    assert_allclose(module._with_tails(-rank), -expected, atol=1e-4)
    spread = module._with_tails(np.linspace(-1, 1, 100_001)).std()
    assert_allclose(spread, 1 / np.sqrt(3), rtol=0.02)


def test_one_row():
    columns, _ = columns_of(np.array([[3.0, -2.0]]), given=[[3.0, -2.0], [5.0, 0.0]])
    assert_array_equal(columns, [[1, 0, 0], [1, 0, 0]])
