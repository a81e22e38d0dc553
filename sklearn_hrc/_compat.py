"""The private names of scikit-learn that this package relies on, in one place.

scikit-learn declares parameters and validates fits through helpers that have
no public home yet. They are imported here and nowhere else, so that a release
that moves one of them breaks one file.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils._repr_html.estimator import _VisualBlock as VisualBlock
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _get_feature_names as get_feature_names

if TYPE_CHECKING:
    Function = TypeVar("Function", bound=Callable[..., Any])

    # scikit-learn has no types: what is decorated keeps its own.
    def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Function], Function]: ...

    def validate_params(
        parameter_constraints: dict[str, Any], *, prefer_skip_nested_validation: bool
    ) -> Callable[[Function], Function]: ...
else:
    from sklearn.base import _fit_context as fit_context
    from sklearn.utils._param_validation import validate_params

__all__ = [
    "HasMethods",
    "Interval",
    "StrOptions",
    "VisualBlock",
    "check_feature_names_in",
    "fit_context",
    "get_feature_names",
    "validate_params",
]
