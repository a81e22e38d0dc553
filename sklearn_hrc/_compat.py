"""Private names of scikit-learn that this package relies on, in one place.

scikit-learn declares parameters and validates fits through helpers that have
no public home yet. They are imported only here, so a release that moves one of them
breaks only this file.
"""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from sklearn.pipeline import Pipeline
from sklearn.utils._metadata_requests import SIMPLE_METHODS
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils._repr_html.estimator import _VisualBlock as VisualBlock
from sklearn.utils.metadata_routing import MetadataRequest
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _get_feature_names as get_feature_names

if TYPE_CHECKING:
    Function = TypeVar("Function", bound=Callable[..., Any])

    # scikit-learn has no types. With these stubs a decorated function keeps its own type.
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


class CheckingRequest(MetadataRequest):
    """A request for metadata whose owner checks them as soon as a fit routes them.

    A pipeline routes metadata to all of its steps before it fits the first step. So the last step
    can report errors of its parameters before the other steps are trained.

    Parameters
    ----------
    request : MetadataRequest
        The requested metadata.
    check : callable
        Called with the target or None if it is not found, a dict of metadata, and the steps
        before the owner.
    """

    def __init__(self, request, check):
        super().__init__(owner=request.owner)
        self._check = check
        for method in SIMPLE_METHODS:
            setattr(self, method, getattr(request, method).__sklearn_clone__())

    def __sklearn_clone__(self):
        return CheckingRequest(self, self._check)

    def _route_params(self, *, params, method, parent, caller):
        routed = super()._route_params(params=params, method=method, parent=parent, caller=caller)
        # Other callers are left out: a search has not set the parameters of its estimator yet.
        is_last = isinstance(parent, Pipeline) and parent.steps[-1][1] is self.owner
        if is_last and method == caller == "fit":
            steps = [step for _, step in parent.steps[:-1]]
            self._check(_target_of(parent), routed, steps)
        return routed


def _target_of(parent):
    """Return the `y` of the fit of a meta-estimator that is under way, or None."""
    # The target is no metadata, so it is read from the frame of the pipeline's fit.
    frame = sys._getframe(1)
    while frame is not None:
        given = frame.f_locals
        if given.get("self") is parent and "y" in given and "X" in given:
            return given["y"]
        frame = frame.f_back
    return None
