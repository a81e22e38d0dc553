"""The private names of scikit-learn that this package relies on, in one place.

scikit-learn declares parameters and validates fits through helpers that have
no public home yet. They are imported here and nowhere else, so that a release
that moves one of them breaks one file.
"""

from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import (
    Interval,
    StrOptions,
    validate_params,
)
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _get_feature_names as get_feature_names

__all__ = [
    "Interval",
    "StrOptions",
    "check_feature_names_in",
    "fit_context",
    "get_feature_names",
    "validate_params",
]
