"""The MineThatData e-mail experiment, from its publisher or from a file."""

import os
from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np
from sklearn.utils import Bunch

from sklearn_hrc._compat import Interval, validate_params
from sklearn_hrc.datasets._download import fetch_verified
from sklearn_hrc.datasets._files import PublishedTable, find_file, not_found, read_verified
from sklearn_hrc.datasets._frames import import_pandas

__all__ = ["fetch_hillstrom", "load_hillstrom"]

_URL = (
    "http://www.minethatdata.com/"
    "Kevin_Hillstrom_MineThatData_E-MailAnalytics_DataMiningChallenge_2008.03.20.csv"
)
_TABLE = PublishedTable(
    file_name="hillstrom.csv",
    columns=[
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
    ],
    n_rows=64_000,
    n_missing=0,
    sums={
        "recency": 368_879,
        "history": 15_493_481.97,
        "mens": 35_266,
        "womens": 35_182,
        "newbie": 32_144,
        "visit": 9_394,
        "conversion": 578,
        "spend": 67_258.13,
    },
    counts={
        "zip_code": {"Surburban": 28_776, "Urban": 25_661, "Rural": 9_563},
        "channel": {"Web": 28_217, "Phone": 28_021, "Multichannel": 7_762},
        "segment": {"Womens E-Mail": 21_387, "Mens E-Mail": 21_307, "No E-Mail": 21_306},
    },
)
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
    """Return all features as numbers, with a column for each level of a categorical feature."""
    pd = import_pandas("load_hillstrom")
    return pd.get_dummies(frame[_NUMERIC + _CATEGORICAL], columns=_CATEGORICAL).astype(np.float64)


def check_targets(target):
    """Return the selected outcomes, a name or a list of names."""
    names = _TARGETS if target is None else [target] if isinstance(target, str) else list(target)
    unknown = [name for name in names if name not in _TARGETS]
    if unknown or not names:
        raise ValueError(f"target must be chosen from {_TARGETS}, got {target!r}.")
    return names[0] if isinstance(target, str) else names


def experiment_of(frame, target, mail_price, as_frame):
    """Return the published table as the experiment that `load_hillstrom` describes."""
    treatment = frame["segment"].rename("treatment")
    data = encode_features(frame)
    outcomes = frame[target].astype(np.float64)
    cost = ((treatment != _CONTROL) * float(mail_price)).rename("cost")
    rows = {"data": data, "target": outcomes, "treatment": treatment, "cost": cost}
    if not as_frame:
        rows = {name: values.to_numpy() for name, values in rows.items()}
        rows["treatment"] = rows["treatment"].astype(str)
    return Bunch(
        **rows,
        propensity=np.full(len(frame), 1 / 3),
        treatments=np.unique(treatment.to_numpy(dtype=str)),
        control=_CONTROL,
        feature_names=list(data.columns),
        target_names=[target] if isinstance(target, str) else target,
        DESCR=_DESCR,
    )


@validate_params(
    {
        "path": [str, os.PathLike, None],
        "target": [str, list, tuple, None],
        "mail_price": [Interval(Real, 0, None, closed="left")],
        "as_frame": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def load_hillstrom(
    path: str | os.PathLike | None = None,
    *,
    target: str | Sequence[str] | None = None,
    mail_price: float = 1.0,
    as_frame: bool = True,
) -> Bunch:
    """Load the e-mail experiment of 64,000 customers (Hillstrom, 2008) from a file.

    The data are not shipped. The function reads `hillstrom.csv`, as published, and verifies its
    content. :func:`fetch_hillstrom` downloads this file.

    Parameters
    ----------
    path : str or path-like, default=None
        The file or its folder. None stands for the folder in the environment
        variable `SKLEARN_HRC_DATA`.
    target : str or list of str, default=None
        Outcomes among "spend", "visit" and "conversion". None stands for all three, in this
        order. A single name gives a target with one dimension.
    mail_price : float, default=1.0
        Cost of a mail, of either sort, in the unit of your budgets. With the default, the mean
        cost of a policy is the share of customers that get a mail.
    as_frame : bool, default=True
        Whether the rows come as pandas objects instead of arrays.

    Returns
    -------
    experiment : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the attributes:

        - `data` : DataFrame or ndarray of shape (64000, 11), float64: numeric features, categories
          one-hot encoded.
        - `target` : DataFrame or ndarray of shape (64000, n_outcomes), or Series or ndarray of
          shape (64000,), float64.
        - `treatment` : Series or ndarray of shape (64000,): "Mens E-Mail", "No E-Mail" or
          "Womens E-Mail".
        - `cost` : Series or ndarray of shape (64000,): `mail_price`, or 0 without a mail.
        - `propensity` : ndarray of shape (64000,): 1/3.
        - `treatments` : ndarray of shape (3,): sorted labels.
        - `control` : str, "No E-Mail".
        - `feature_names`, `target_names` : lists of str.
        - `DESCR` : str, description.

    Raises
    ------
    FileNotFoundError
        If the file is not there.
    ValueError
        If the file is not the published file, or `target` names no outcome.
    ImportError
        If pandas is not installed.

    See Also
    --------
    fetch_hillstrom : The same experiment, downloaded from its publisher.
    load_thornton_hiv : An experiment with cash incentives, paid on redemption.
    make_coupon_experiment : Simulated data with known truth.

    References
    ----------
    .. [1] Kevin Hillstrom (2008). "The MineThatData E-Mail Analytics And Data Mining Challenge".

    Examples
    --------
    >>> from sklearn_hrc.datasets import load_hillstrom
    >>> experiment = load_hillstrom(target="visit")  # doctest: +SKIP
    >>> experiment.data.shape  # doctest: +SKIP
    (64000, 11)
    """
    names = check_targets(target)
    file = find_file(_TABLE.file_name, path)
    if file is None:
        advice = "call fetch_hillstrom, which downloads the file once"
        raise not_found(_TABLE.file_name, path, advice)
    frame = read_verified(file, _TABLE, caller="load_hillstrom")
    return experiment_of(frame, names, mail_price, as_frame)


@validate_params(
    {
        "target": [str, list, tuple, None],
        "mail_price": [Interval(Real, 0, None, closed="left")],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
        "n_retries": [Interval(Integral, 0, None, closed="left")],
        "delay": [Interval(Real, 0, None, closed="left")],
        "as_frame": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_hillstrom(
    *,
    target: str | Sequence[str] | None = None,
    mail_price: float = 1.0,
    data_home: str | os.PathLike | None = None,
    download_if_missing: bool = True,
    n_retries: int = 3,
    delay: float = 1.0,
    as_frame: bool = True,
) -> Bunch:
    """Load the e-mail experiment of 64,000 customers (Hillstrom, 2008) from its publisher.

    The file comes from its publisher's site (4 MB). Only a file with the published content is
    kept, as `hillstrom.csv` in the folder `sklearn_hrc` of scikit-learn's data home. Later calls
    read the file there. Without a connection you can put it there by hand. A `hillstrom.csv` in the
    folder that the environment variable `SKLEARN_HRC_DATA` names is read instead.

    Parameters
    ----------
    target : str or list of str, default=None
        Outcomes among "spend", "visit" and "conversion". None stands for all three, in this
        order. A single name gives a target with one dimension.
    mail_price : float, default=1.0
        Cost of a mail, of either sort, in the unit of your budgets. With the default, the mean
        cost of a policy is the share of customers that get a mail.
    data_home : str or path-like, default=None
        Folder of all downloaded data. None stands for the folder in `SKLEARN_HRC_DATA` if it has
        the file, else for that of :func:`sklearn.datasets.get_data_home`.
    download_if_missing : bool, default=True
        Whether to download the file if it is not in the data home. If False, a missing file is an
        error.
    n_retries : int, default=3
        Number of retries when the publisher's site gives an error or half a file.
    delay : float, default=1.0
        Seconds between retries.
    as_frame : bool, default=True
        Whether the rows come as pandas objects instead of arrays.

    Returns
    -------
    experiment : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the attributes that :func:`load_hillstrom` describes.

    Raises
    ------
    OSError
        If there is no file in the data home, and no file or a wrong file came from the site.
    ValueError
        If the file in the data home is not the published file, or `target` names no outcome.
    ImportError
        If pandas is not installed.

    See Also
    --------
    load_hillstrom : The same experiment, from a file elsewhere.
    load_thornton_hiv : An experiment with cash incentives, paid on redemption.

    References
    ----------
    .. [1] Kevin Hillstrom (2008). "The MineThatData E-Mail Analytics And Data Mining Challenge".

    Examples
    --------
    >>> from sklearn_hrc.datasets import fetch_hillstrom
    >>> experiment = fetch_hillstrom(target="visit")  # doctest: +SKIP
    >>> experiment.target.mean()  # doctest: +SKIP
    0.14678125
    """
    names = check_targets(target)
    file = find_file(_TABLE.file_name, None) if data_home is None else None
    if file is not None:
        return experiment_of(
            read_verified(file, _TABLE, caller="fetch_hillstrom"), names, mail_price, as_frame
        )
    frame = fetch_verified(
        _URL,
        _TABLE,
        caller="fetch_hillstrom",
        data_home=data_home,
        download_if_missing=download_if_missing,
        n_retries=n_retries,
        delay=delay,
    )
    return experiment_of(frame, names, mail_price, as_frame)
