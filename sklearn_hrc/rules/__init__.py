"""Rules that an allocation keeps beside its budget, each a small object."""

from sklearn_hrc.rules._amounts import MaxSpend, MinOutcome, MinReturn
from sklearn_hrc.rules._clusters import Forbid, Monotone
from sklearn_hrc.rules._numbers import MaxIndividuals, MaxShare, MinShare

__all__ = [
    "Forbid",
    "MaxIndividuals",
    "MaxShare",
    "MaxSpend",
    "MinOutcome",
    "MinReturn",
    "MinShare",
    "Monotone",
]
