"""Reader of the MineThatData e-mail experiment."""

import os
from numbers import Real

import numpy as np
from sklearn.utils import Bunch

from sklearn_hrc._compat import Interval, validate_params
from sklearn_hrc.datasets._files import read_verified
from sklearn_hrc.datasets._frames import import_pandas

__all__ = ["load_hillstrom"]

_FILE_NAME = "hillstrom.csv"
_COLUMNS = [
    "recency",
    "history_segment",
    "history",
    "mens",
    "womens",
    "zip_code",
    "newbie",
    "channel",
    "segment",
    "visit",
    "conversion",
    "spend",
]
_N_ROWS = 64_000
_SUMS = {
    "recency": 368_879,
    "history": 15_493_481.97,
    "mens": 35_266,
    "womens": 35_182,
    "newbie": 32_144,
    "visit": 9_394,
    "conversion": 578,
    "spend": 67_258.13,
}
_NUMERIC = ["recency", "history", "mens", "womens", "newbie"]
_CATEGORICAL = ["zip_code", "channel"]
_TARGETS = ["spend", "visit", "conversion"]
_CONTROL = "No E-Mail"

_DESCR = """\
MineThatData E-Mail Analytics And Data Mining Challenge
-------------------------------------------------------

64,000 customers who bought within the last twelve months were assigned at random, a third
each, to an e-mail about men's merchandise, one about women's, or none.

:Number of individuals: 64,000
:Treatment: "No E-Mail" (control), "Mens E-Mail", "Womens E-Mail"
:Outcomes, in the two weeks after: spend (US$), visit and conversion (0 or 1)
:Cost: a price for each mail sent, chosen by the caller: the data have none
:Features: recency (months since the last purchase), history (US$ spent in the past year),
    mens and womens (1: bought such merchandise in the past year), newbie (1: new customer in the
    past year), one column a level of zip_code and channel; history_segment, a
    coarser history, is left out
:Source: K. Hillstrom (2008), The MineThatData E-Mail Analytics And Data Mining Challenge
"""


def encode_features(frame):
    """Return all features as numbers, with one column a level of the categorical ones."""
    pd = import_pandas("load_hillstrom")
    return pd.get_dummies(frame[_NUMERIC + _CATEGORICAL], columns=_CATEGORICAL).astype(np.float64)


def check_targets(target):
    """Return the selected outcomes: a name, or a list of names."""
    names = _TARGETS if target is None else [target] if isinstance(target, str) else list(target)
    unknown = [name for name in names if name not in _TARGETS]
    if unknown or not names:
        raise ValueError(f"target must be chosen from {_TARGETS}, got {target!r}.")
    return names[0] if isinstance(target, str) else names


@validate_params(
    {
        "path": [str, os.PathLike, None],
        "target": [str, list, tuple, None],
        "mail_price": [Interval(Real, 0, None, closed="left")],
        "as_frame": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def load_hillstrom(path=None, *, target=None, mail_price=1.0, as_frame=True):
    """Load the e-mail experiment of 64,000 customers (Hillstrom, 2008).

    The data are not shipped: `hillstrom.csv`, as published, is read and its content is verified.

    Parameters
    ----------
    path : str or path-like, default=None
        The file or its folder. None: the folder in the environment
        variable `SKLEARN_HRC_DATA`.
    target : str or list of str, default=None
        Outcomes among "spend", "visit" and "conversion". None: all three, in this order.
        A single name gives a target with one dimension.
    mail_price : float, default=1.0
        Cost of a mail, of either sort, in the unit of your budgets. With the default, the mean
        cost of a policy is the share of customers that get a mail.
    as_frame : bool, default=True
        Whether the rows come as pandas objects; else as arrays.

    Returns
    -------
    experiment : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the attributes:

        - `data` : DataFrame or ndarray of shape (64000, 11), float64: numeric features, categories
          one-hot encoded;
        - `target` : DataFrame or ndarray of shape (64000, n_outcomes), or Series or ndarray of
          shape (64000,), float64;
        - `treatment` : Series or ndarray of shape (64000,): "Mens E-Mail", "No E-Mail" or
          "Womens E-Mail";
        - `cost` : Series or ndarray of shape (64000,): `mail_price`, or 0 without a mail;
        - `propensity` : ndarray of shape (64000,): 1/3;
        - `treatments` : ndarray of shape (3,): sorted labels;
        - `control` : str, "No E-Mail";
        - `feature_names`, `target_names` : lists of str;
        - `DESCR` : str, description.

    Raises
    ------
    FileNotFoundError
        If the file is not there.
    ValueError
        If the file is not the published one, or `target` names no outcome.
    ImportError
        If pandas is not installed.

    See Also
    --------
    load_thornton_hiv : An experiment with cash incentives, paid on redemption.
    make_coupon_experiment : Simulated data with known truth.

    References
    ----------
    .. [1] K. Hillstrom (2008). "The MineThatData E-Mail Analytics And Data Mining Challenge".

    Examples
    --------
    >>> from sklearn_hrc.datasets import load_hillstrom
    >>> experiment = load_hillstrom(target="visit")  # doctest: +SKIP
    >>> experiment.data.shape  # doctest: +SKIP
    (64000, 11)
    """
    names = check_targets(target)
    frame = read_verified(
        _FILE_NAME, path, caller="load_hillstrom", columns=_COLUMNS, n_rows=_N_ROWS, sums=_SUMS
    )
    treatment = frame["segment"].rename("treatment")
    data = encode_features(frame)
    outcomes = frame[names].astype(np.float64)
    cost = ((treatment != _CONTROL) * float(mail_price)).rename("cost")
    rows = {"data": data, "target": outcomes, "treatment": treatment, "cost": cost}
    if not as_frame:
        rows = {name: values.to_numpy() for name, values in rows.items()}
        rows["treatment"] = rows["treatment"].astype(str)
    return Bunch(
        **rows,
        propensity=np.full(_N_ROWS, 1 / 3),
        treatments=np.unique(treatment.to_numpy(dtype=str)),
        control=_CONTROL,
        feature_names=list(data.columns),
        target_names=[names] if isinstance(names, str) else names,
        DESCR=_DESCR,
    )
