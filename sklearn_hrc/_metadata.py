"""The per-row arrays of an experiment as scikit-learn metadata.

They are requested by default, so that `treatment=` and `cost=` reach every
step of a pipeline without any `set_fit_request`: an estimator of this package
has no use without them.
"""

__all__ = ["REQUESTS", "FitMetadataMixin", "PolicyMetadataMixin"]

REQUESTS = {
    "treatment": True,
    "cost": True,
    "propensity": True,
    "sample_weight": True,
    "groups": True,
}


class FitMetadataMixin:
    """Request the experiment's arrays in `fit`."""

    __metadata_request__fit = REQUESTS


class PolicyMetadataMixin(FitMetadataMixin):
    """Request the experiment's arrays in `fit` and `score`."""

    __metadata_request__score = REQUESTS
