"""The first steps of `make_policy` as nodes of the graph."""

import numpy as np

from sklearn_hrc.export._categories import Vocabulary, declare
from sklearn_hrc.export._graph import Flow
from sklearn_hrc.tables._text_values import MISSING

__all__ = ["add_table_encoder", "kinds_of_features"]

_UNSEEN = "\N{REPLACEMENT CHARACTER} a category that nobody has \N{REPLACEMENT CHARACTER}"
# Further texts that the encoder may take for a gap, as readers of CSV files do.
_READ_AS_GAPS = {"NaN", "NaT", "-nan", "-NaN", "...", "#NA", "#N/A N/A"}
_READ_AS_GAPS |= {f"{sign}1.#{kind}" for sign in ("", "-") for kind in ("IND", "QNAN")}


def kinds_of_features(cleaner):
    """Names and kinds of the features of a `TableCleaner` that has been fitted."""
    return {str(name): kind["name"] for name, kind in cleaner.kinds_.items()}


def add_table_encoder(graph, flow, encoder, kinds):
    """Add a fitted `skrub.TableVectorizer`: numbers, seconds of dates, and columns of 0 and 1.

    Parameters
    ----------
    graph : Graph
        Grows.
    flow : Flow
        The features: numbers, seconds since 1970 for dates, codes for categories.
    encoder : TableVectorizer
        Its outputs are float32.
    kinds : dict
        Kind of each feature: "number", "date" or "category".

    Returns
    -------
    flow : Flow
        In float32.
    """
    places = {name: place for place, name in enumerate(flow.names)}
    feature, code, is_code = [], [], []
    names = [str(name) for name in encoder.get_feature_names_out()]
    blocks = encoder.input_to_outputs_
    _declare_left_out(graph, flow, encoder, kinds)
    for name in _in_order(encoder, names):
        outputs = blocks[name]
        if kinds[name] == "category":
            vocabulary = _probe(encoder, name, kinds)
            declare(graph, places[name], name, vocabulary)
        elif len(outputs) > 1:
            raise _several_columns(name, outputs)
        feature += [places[name]] * len(outputs)
        code += range(len(outputs))
        is_code += [kinds[name] == "category"] * len(outputs)
    rows = graph.add("Gather", flow.tensor, graph.constant(feature, np.int64), axis=1)
    ones = graph.cast(graph.add("Equal", rows, graph.constant(code, np.float64)), np.float32)
    numbers = graph.cast(rows, np.float32)
    tensor = graph.add("Where", graph.constant(is_code, np.bool_), ones, numbers)
    return Flow(tensor, np.dtype(np.float32), names, [-1] * len(names))


def _in_order(encoder, names):
    """Features in the order of their columns."""
    return list(dict.fromkeys(encoder.output_to_input_[name] for name in names))


def _declare_left_out(graph, flow, encoder, kinds):
    """Say that any value will do for a category that the encoder left out, as a constant one."""
    for place, name in enumerate(flow.names):
        if kinds[name] == "category" and name not in encoder.transformers_:
            declare(graph, place, name, Vocabulary({}, -1, -1, as_text=True))


def _probe(encoder, name, kinds):
    """Find the code of each value by asking the encoder itself."""
    import pandas

    if not hasattr(encoder.transformers_[name], "categories_"):
        raise TypeError(
            f"policy is expected to encode the categories of {name!r} as columns of 0 and 1, got "
            f"numbers, since all of them can be read as such; fit the policy on {name!r} with a "
            "letter in its values, or without it."
        )
    values = [value for value in encoder.transformers_[name].categories_[0] if value == value]
    values = [value for value in values if value is not None]
    gaps = {form for gap in MISSING for form in (gap, gap.upper(), gap.title())} | _READ_AS_GAPS
    asked = [*values, *sorted(gaps - set(values)), _UNSEEN, None]
    columns = {
        other: pandas.Series(_any_value(kind, len(asked)), dtype=_DTYPES[kind])
        for other, kind in kinds.items()
    }
    columns[name] = pandas.Series(asked, dtype=object)
    told = encoder.transform(pandas.DataFrame(columns))[encoder.input_to_outputs_[name]].to_numpy()
    if not np.isin(told, (0, 1)).all() or (told.sum(axis=1) > 1).any():
        raise _several_columns(name, encoder.input_to_outputs_[name])
    codes = np.where(told.any(axis=1), told.argmax(axis=1), -1).tolist()
    *known, unknown, missing = codes
    pairs = dict(zip(asked, known))
    given = {
        value: code for value, code in pairs.items() if value in set(values) or code != unknown
    }
    return Vocabulary(given, unknown, missing, as_text=True)


_DTYPES = {"number": "float64", "date": "datetime64[us]", "category": object}


def _any_value(kind, length):
    return [{"number": 0.0, "date": np.datetime64("2000-01-01"), "category": None}[kind]] * length


def _several_columns(name, outputs):
    return TypeError(
        f"policy is expected to encode {name!r} as a number or as columns of 0 and 1, got "
        f"{', '.join(outputs[:3])}; use the encoders of make_policy for a policy that is exported."
    )
