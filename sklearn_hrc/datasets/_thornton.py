"""Thornton's experiment with cash incentives, from a file or from another package."""

import os

import numpy as np
from sklearn.utils import Bunch

from sklearn_hrc._compat import validate_params
from sklearn_hrc.datasets._files import PublishedTable, find_file, not_found, read_verified, verify
from sklearn_hrc.datasets._frames import import_pandas

__all__ = ["load_thornton_hiv"]

_TABLE = PublishedTable(
    file_name="thornton_hiv.csv",
    columns=["rownames", "villnum", "got", "distvct", "tinc", "any", "age", "hiv2004"],
    n_rows=4_820,
    n_missing=8_158,
    sums={
        "villnum": 304_248,
        "got": 2_016,
        "distvct": 9_652.691128894687,
        "tinc": 2_866.3026982545853,
        "any": 2_222,
        "age": 147_361,
        "hiv2004": 171,
    },
    counts={},
)
_PACKAGED_TABLE = _TABLE._replace(columns=_TABLE.columns[1:])  # without the numbers of the rows
# Upper ends of the bins of positive incentives, in US$. Each of the four bins holds amounts from
# both lotteries. Quartiles would leave some arms without anybody from the second lottery.
_BIN_ENDS = [0.5, 1.0, 2.0]
_FIRST_VILLAGE_OF_SECOND_LOTTERY = 100

_DESCR = """\
Cash incentives to learn an HIV test result
-------------------------------------------

Adults in rural Malawi were tested at home in 2004. Each drew a voucher by lottery, worth 0 to
US$ 2.84, to be paid if they came to a centre nearby for their result.

:Number of individuals: 2,834, those of 4,820 with a known incentive and a known attendance
:Treatment: five bins of the incentive, labelled by the mean incentive in
    the bin (US$): 0 (control), then up to 0.5, 1, 2 and more
:Outcome: got (1: came for the result)
:Cost: the voucher in US$, if it was paid: incentive times got
:Features: age (years), distance (km to the centre), hiv_positive and hiv_indeterminate (result
    of the test, unknown to the person), second_lottery (1: village number from 100 up)
:Missing values: 5 ages and 4 distances (recorded as 0 where the village is unknown) are
    replaced by the median of the others
:Propensity: share of the arm among those of the same lottery. From village 100 up, 37 % drew
    a zero against 14 % elsewhere, and amounts above it took five values: the lotteries differed
:Groups: village number, -1 where unknown
:Source: R. L. Thornton (2008), The Demand for, and Impact of, Learning HIV Status
"""


def bin_incentives(incentive):
    """Bin incentives into five ordered arms.

    Parameters
    ----------
    incentive : ndarray of shape (n_samples,)
        Incentives in US$, 0 included.

    Returns
    -------
    arm : ndarray of shape (n_samples,), intp
        0 for no incentive, 1 to 4 for the bins.
    labels : ndarray of shape (5,), float64
        Mean incentive of each arm, rounded to a cent.
    """
    arm = np.where(incentive > 0, 1 + np.searchsorted(_BIN_ENDS, incentive), 0)
    return arm, (np.bincount(arm, weights=incentive) / np.bincount(arm)).round(2)


def shares_within(strata, arm):
    """Return, for each row, the share of its arm among the rows of its stratum."""
    counts = np.zeros((strata.max() + 1, arm.max() + 1))
    np.add.at(counts, (strata, arm), 1)
    return counts[strata, arm] / counts.sum(axis=1)[strata]


def clean_features(frame, second_lottery):
    """Return the features as finite numbers, with descriptive names."""
    pd = import_pandas("load_thornton_hiv")
    age, status = frame["age"], frame["hiv2004"]
    distance = frame["distvct"].where(frame["villnum"].notna())
    return pd.DataFrame(
        {
            "age": age.fillna(age.median()),
            "distance": distance.fillna(distance.median()),
            "hiv_positive": status == 1,
            "hiv_indeterminate": status == -1,
            "second_lottery": second_lottery,
        }
    ).astype(np.float64)


def read_table(path):
    """Return the table from a file or, without `path` and file, from the package causaldata."""
    file = find_file(_TABLE.file_name, path)
    if file is not None:
        return read_verified(file, _TABLE, caller="load_thornton_hiv")
    advice = 'install the package causaldata, which has the table: pip install "sklearn-hrc[data]"'
    if path is not None:
        raise not_found(_TABLE.file_name, path, advice)
    try:
        from causaldata import thornton_hiv
    except ImportError as error:
        raise not_found(_TABLE.file_name, path, advice) from error
    frame = thornton_hiv.load_pandas().data.astype(np.float64)
    verify(frame, "The table thornton_hiv of the package causaldata", _PACKAGED_TABLE)
    return frame


@validate_params(
    {"path": [str, os.PathLike, None], "as_frame": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def load_thornton_hiv(path: str | os.PathLike | None = None, *, as_frame: bool = True) -> Bunch:
    """Load a field experiment with cash incentives, paid on redemption (Thornton, 2008).

    The data are not shipped. The function reads a table of 4,820 rows and verifies its content.
    The table comes from `thornton_hiv.csv` (columns rownames, villnum, got, distvct, tinc, any,
    age and hiv2004) or from the package causaldata, which ``pip install "sklearn-hrc[data]"``
    brings. The 2,834 rows with a known incentive and a known attendance are kept.

    Parameters
    ----------
    path : str or path-like, default=None
        The file or its folder. None stands for the folder in the environment variable
        `SKLEARN_HRC_DATA` or, if this has no such file, for the package causaldata.
    as_frame : bool, default=True
        Whether the rows come as pandas objects instead of arrays.

    Returns
    -------
    experiment : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the attributes:

        - `data` : DataFrame or ndarray of shape (2834, 5), float64: age, distance (km),
          hiv_positive, hiv_indeterminate, second_lottery. All are finite (5 missing ages and 4
          distances of unknown villages are set to the median).
        - `target` : DataFrame or ndarray of shape (2834, 1), float64: got, 1 for those
          who came for their result.
        - `treatment` : Series or ndarray of shape (2834,), float64: mean incentive (US$)
          of the arm: no incentive, or up to 0.5, up to 1, up to 2, or more.
        - `cost` : Series or ndarray of shape (2834,), float64: US$ paid, the incentive
          itself (not the mean of its arm) for those who came, else 0.
        - `propensity` : ndarray of shape (2834,): share of the arm among those
          who drew in the same lottery, first or second.
        - `treatments` : ndarray of shape (5,), float64: sorted labels.
        - `control` : float, 0.0.
        - `groups` : ndarray of shape (2834,), int64: village number, -1 where unknown.
        - `feature_names`, `target_names` : lists of str.
        - `DESCR` : str, description.

    Raises
    ------
    FileNotFoundError
        If the file is not there and, for None, causaldata is not installed.
    ValueError
        If the table that is found is not the published table.
    ImportError
        If pandas is not installed.

    See Also
    --------
    fetch_hillstrom : An e-mail experiment.
    make_coupon_experiment : Simulated data with known truth.

    Notes
    -----
    The two lotteries are inferred from the table: from village number 100 up, incentives take
    five values beside zero, and zeros are far more frequent. `propensity` and the feature
    `second_lottery` account for the lotteries. Without them, differences between the two
    parts of the country are taken for effects of the incentive.

    References
    ----------
    .. [1] R. L. Thornton (2008). "The Demand for, and Impact of, Learning HIV Status".
           American Economic Review 98(5), 1829-1863. https://doi.org/10.1257/aer.98.5.1829

    Examples
    --------
    >>> from sklearn_hrc.datasets import load_thornton_hiv
    >>> experiment = load_thornton_hiv()  # doctest: +SKIP
    >>> experiment.treatments  # doctest: +SKIP
    array([0.  , 0.32, 0.9 , 1.7 , 2.59])
    """
    pd = import_pandas("load_thornton_hiv")
    frame = read_table(path).dropna(subset=["got", "tinc"]).reset_index(drop=True)
    village = frame["villnum"].fillna(-1).to_numpy(dtype=np.int64)
    second_lottery = village >= _FIRST_VILLAGE_OF_SECOND_LOTTERY
    arm, labels = bin_incentives(frame["tinc"].to_numpy())
    data = clean_features(frame, second_lottery)
    rows = {
        "data": data,
        "target": frame[["got"]],
        "treatment": pd.Series(labels[arm], name="treatment"),
        "cost": (frame["tinc"] * frame["got"]).rename("cost"),
    }
    if not as_frame:
        rows = {name: values.to_numpy() for name, values in rows.items()}
    return Bunch(
        **rows,
        propensity=shares_within(second_lottery.astype(np.intp), arm),
        treatments=labels,
        control=float(labels[0]),
        groups=village,
        feature_names=list(data.columns),
        target_names=["got"],
        DESCR=_DESCR,
    )
