"""Categories of a raw table in the graph: gaps, constant columns, and what is no category."""

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("skrub")

import pandas as pd

from sklearn_hrc.export._categories import Vocabulary
from sklearn_hrc.export._graph import Flow, Graph
from sklearn_hrc.export._table_steps import add_table_encoder, kinds_of_features
from sklearn_hrc.tables._table_steps import table_steps


def vocabularies(**columns):
    """Return the steps of a table that repeats some values, and how its categories are coded."""
    X = pd.DataFrame({name: values * 20 for name, values in columns.items()})
    steps = dict(table_steps(()))
    cleaner, encoder = steps["clean"], steps["encode"]
    encoder.fit(cleaner.fit_transform(X))
    graph, kinds = Graph(), kinds_of_features(cleaner)
    names = list(kinds)
    flow = Flow("rows", np.dtype(np.float64), names, list(range(len(names))))
    add_table_encoder(graph, flow, encoder, kinds)
    return cleaner, encoder, {names[place]: told for place, told in graph.vocabularies.items()}


def test_every_spelling_of_a_gap_is_coded_as_the_encoder_codes_it():
    X = {"country": ["AT", "DE", None, "FR"], "spend": [1.0, 2.0, 3.0, 4.0]}
    cleaner, encoder, told = vocabularies(**X)
    country = told["country"]
    columns = [name for name in encoder.get_feature_names_out() if name.startswith("country")]
    spellings = ["NaN", "nan", "NAN", "NA", "n/a", "NULL", "None", "NaT", "...", "#NA", "-NaN"]
    for text in [*spellings, "1.#IND", "-1.#QNAN", "<NA>", "?", "", "AT", "XX"]:
        row = cleaner.transform(pd.DataFrame({"country": [text], "spend": [1.0]}))
        ones = np.flatnonzero(encoder.transform(row)[columns].to_numpy()[0])
        code = country.codes.get(text, country.unknown)
        assert [code] == (ones.tolist() or [-1]), text
    assert country.codes["NaN"] == country.missing != country.unknown


def test_a_constant_column_may_hold_anything():
    _, _, told = vocabularies(same=["shop", "shop"], country=["AT", "DE"])
    assert told["same"] == Vocabulary({}, -1, -1, as_text=True)


def test_categories_that_the_encoder_reads_as_numbers_are_refused():
    with pytest.raises(TypeError, match=r"encode the categories of 'postcode' .* got numbers"):
        vocabularies(postcode=["01067", "10115"], spend=[1.0, 2.0])
