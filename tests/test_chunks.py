"""Rows in chunks."""

import pytest
from sklearn.utils import gen_batches

from sklearn_hrc._chunks import chunks


@pytest.mark.parametrize("n_rows", [1, 3, 4, 5, 8])
def test_chunks_are_those_of_scikit_learn(n_rows):
    assert list(chunks(n_rows, 4)) == list(gen_batches(n_rows, 4))


def test_no_rows_have_no_chunk():
    assert list(chunks(0, 4)) == []
