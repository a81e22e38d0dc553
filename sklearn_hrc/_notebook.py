"""What a notebook shows of any estimator here: short values, and the page that describes it."""

import os
from typing import Any

import numpy as np

__all__ = ["DOCS_VARIABLE", "NotebookMixin", "brief"]

DOCS_VARIABLE = "SKLEARN_HRC_DOCS"
# Entries of an array or a collection up to which a notebook shows them.
MOST = 6
# Letters of a name that scikit-learn would cut to nine among fitted attributes.
LONGEST = 28


class NotebookMixin:
    """Let the diagram of an estimator link to its page, and show no long arrays.

    The pages have no public address yet. So there is a link only where the environment variable
    `SKLEARN_HRC_DOCS` has the address of the built pages.
    """

    _doc_link_module = "sklearn_hrc"
    _doc_link_template = "{docs}/generated/{estimator_module}.{estimator_name}.html"

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        """Fill the template: public names live in the first public module."""
        public = [part for part in type(self).__module__.split(".") if not part.startswith("_")]
        return {
            "docs": os.environ.get(DOCS_VARIABLE, "").rstrip("/"),
            "estimator_module": ".".join(public),
            "estimator_name": type(self).__name__,
        }

    def _get_doc_link(self) -> str:
        """Address of the page of this estimator, or nothing."""
        if not os.environ.get(DOCS_VARIABLE):
            return ""
        return super()._get_doc_link()  # type: ignore[misc]

    def _get_params_html(self, deep: bool = True, doc_link: str = "") -> Any:
        """Table of parameters, with long values said in words."""
        params = super()._get_params_html(deep, doc_link)  # type: ignore[misc]
        for name, value in params.items():
            params[name] = brief(value)
        return params

    def _get_fitted_attr_html(self, doc_link: str = "") -> Any:
        """Table of fitted attributes, with long values said in words."""
        attributes = super()._get_fitted_attr_html(doc_link)  # type: ignore[misc]
        for name, shown in attributes.items():
            attributes[name] = shown | {"value": brief(shown["value"])}
        return attributes


class _Said:
    """A value of which a notebook shows these words."""

    def __init__(self, words):
        self._words = words

    def __repr__(self):
        return self._words


def brief(value: Any) -> Any:
    """Return a value as it is where it is short, else something that shows how much it holds.

    Parameters
    ----------
    value : Any
        Parameter or attribute.

    Returns
    -------
    value : Any
        Arrays, frames and collections of many entries or of collections are replaced by
        an object that shows the number of entries. Numbers of numpy become those of Python.
    """
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, str):
        return _Said(repr(value)) if len(value) <= LONGEST else value
    if hasattr(value, "to_dict") and value.ndim == 1:
        value = value.to_dict()  # a series shows its labels
    if hasattr(value, "shape") and hasattr(value, "__array__"):
        is_long = len(value.shape) > 1 or sum(value.shape) > MOST
        return _Said(f"{' x '.join(map(str, value.shape))} values") if is_long else value
    if isinstance(value, (list, tuple, dict)):
        inner = value.values() if isinstance(value, dict) else value
        is_nested = any(hasattr(each, "__len__") and not isinstance(each, str) for each in inner)
        return _Said(f"{len(value)} entries") if is_nested or len(value) > MOST else value
    return value
