"""Columns of 0 and 1 for categories, and what a category is called in the rows of the graph.

The graph holds numbers only. In its rows a category stands as the place of its column of 1
among those of its feature, or as -1 if all of them are 0.
"""

from typing import Any, NamedTuple

import numpy as np

from sklearn_hrc.export._graph import Flow

__all__ = ["Vocabulary", "add_one_hot", "declare", "one_hot"]


class Vocabulary(NamedTuple):
    """How the values of a feature become codes.

    Attributes
    ----------
    codes : dict
        Code of each value.
    unknown : int or None
        Code of every other value. None: there may be no other.
    missing : int or None
        Code where there is no value. None: there must be one.
    as_text : bool
        Whether values are turned into text first, without spaces around it.
    """

    codes: dict[Any, int]
    unknown: int | None
    missing: int | None
    as_text: bool = False


def declare(graph, feature, name, vocabulary):
    """Say how a feature is coded; it must be so wherever it is used."""
    known = graph.vocabularies.setdefault(feature, vocabulary)
    if known != vocabulary:
        raise TypeError(
            f"policy is expected to encode the categories of {name!r} in one way, got two "
            "encoders that differ; use one of them."
        )


def one_hot(graph, tensor, feature, place, dtype):
    """Return columns of 0 and 1.

    Parameters
    ----------
    graph : Graph
        Grows.
    tensor : str
        Matrix with codes.
    feature : list of int
        Column of `tensor` for each column of the output.
    place : list of int
        Code that is 1 there.
    dtype : dtype
        Type of the output.

    Returns
    -------
    tensor : str
        The columns.
    """
    codes = graph.add("Gather", tensor, graph.constant(feature, np.int64), axis=1)
    return graph.cast(graph.add("Equal", codes, graph.constant(place, np.float64)), dtype)


def add_one_hot(graph, flow, encoder):
    """Add a `OneHotEncoder` of features as they come in."""
    if -1 in flow.sources:
        raise TypeError(
            "OneHotEncoder is expected to be given features as they come in, got columns that "
            "another step has changed; encode them first."
        )
    feature, place = [], []
    for column, source in enumerate(flow.sources):
        vocabulary, n_places = _vocabulary(encoder, column)
        declare(graph, source, flow.names[column], vocabulary)
        feature += [column] * n_places
        place += range(n_places)
    names = [str(name) for name in encoder.get_feature_names_out()]
    tensor = one_hot(graph, flow.tensor, feature, place, encoder.dtype)
    return Flow(tensor, np.dtype(encoder.dtype), names, [-1] * len(names))


def _vocabulary(encoder, column):
    """Vocabulary of a column, and how many columns it has in the output."""
    values = encoder.categories_[column].tolist()
    rare = _of_column(getattr(encoder, "infrequent_categories_", None), column)
    dropped = _of_column(encoder.drop_idx_, column)
    rare = [] if rare is None else rare.tolist()
    if rare and dropped is not None:
        raise TypeError(
            "drop of OneHotEncoder is expected to be None where categories are infrequent, got "
            f"{encoder.drop!r}; set drop=None."
        )
    frequent = [value for value in values if value not in rare]
    codes = {value: place for place, value in enumerate(frequent)}
    if dropped is not None:
        gone = codes[values[dropped]]
        codes = {value: _without(place, gone) for value, place in codes.items()}
    codes |= {value: len(frequent) for value in rare}
    n_places = len(frequent) + bool(rare) - (dropped is not None)
    unknown = None
    if encoder.handle_unknown != "error":
        unknown = len(frequent) if rare and encoder.handle_unknown != "ignore" else -1
    gaps = [value for value in codes if value is None or value != value]
    missing = codes.pop(gaps[0]) if gaps else unknown
    return Vocabulary(codes, unknown, missing), n_places


def _without(place, gone):
    return -1 if place == gone else place - (place > gone)


def _of_column(values, column):
    return None if values is None else values[column]
