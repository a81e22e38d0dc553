"""Karlan and List's experiment with matching gifts, from a package of R or from a file."""

import os
from numbers import Integral, Real

import numpy as np
from sklearn.utils import Bunch

from sklearn_hrc._compat import Interval, validate_params
from sklearn_hrc.datasets._download import fetch_verified
from sklearn_hrc.datasets._files import find_file
from sklearn_hrc.datasets._frames import import_pandas
from sklearn_hrc.datasets._rda import PublishedRda, import_rdata, read_rda

__all__ = ["fetch_karlan_list"]

_URL = (
    "https://raw.githubusercontent.com/itamarcaspi/experimentdatar/"
    "f71a9d072aabadf4da95e71baa757842a2d295c9/data/charitable.rda"
)
_FILE = PublishedRda(
    file_name="charitable.rda",
    table="charitable",
    n_bytes=1_689_789,
    digest="9ba804f241dbdb099e8f84c05a7ac96d5d76f54e3a8414d7282361a7860e42f4",
)
_MISSING = -999
_ARMS = np.array(["none", "1:1", "2:1", "3:1"])  # the place of an arm is its ratio
_CONTROL = "none"
_CONTROL_SHARE, _MATCH_SHARE = 1 / 3, 2 / 9
_TARGETS = {"out_amountgive": "amount", "out_gavedum": "gave"}
_FEATURES = {
    "hpa": "highest_gift",
    "ltmedmra": "small_last_gift",
    "freq": "n_gifts",
    "years": "years_since_first_gift",
    "mrm2": "months_since_last_gift",
    "female": "female",
    "couple": "couple",
    "nonlit": "state_incidents",
    "cases": "state_court_cases",
    "statecnt": "state_donors",
    "perbush": "state_bush_vote",
    "redcty": "red_county",
    "pwhite": "zip_white",
    "pblack": "zip_black",
    "page18_39": "zip_age_18_39",
    "ave_hh_sz": "zip_household_size",
    "median_hhincome": "zip_median_income",
    "powner": "zip_home_owners",
    "psch_atlstba": "zip_college",
    "pop_propurban": "zip_urban",
}
_LIMITS = {"treat_size25": 25_000, "treat_size50": 50_000, "treat_size100": 100_000}
_EXAMPLES = {"treat_askd1": 1.0, "treat_askd2": 1.25, "treat_askd3": 1.5}

_DESCR = """\
Matching gifts to a charity
---------------------------

A charity in the United States wrote to 50,083 earlier donors in 2005. Two thirds of the letters
said that a sponsor would match a gift by one, two or three dollars for each dollar given.

:Number of individuals: 50,081; two donors are left out, since the file does not have the amount
    that they gave
:Treatment: "none" (control), "1:1", "2:1", "3:1", dollars of the sponsor to one of the donor
:Outcomes: amount (US$ given, 0 without a gift) and gave (0 or 1)
:Cost: what the sponsor pays, US$: the ratio times the gift
:Propensity: 1/3 for the control, 2/9 for each ratio, by design
:Features: earlier gifts, sex, couple, facts on the state, the county and the area of the zip code
:Missing values: NaN, recorded as -999 in the file
:Drawn beside the treatment: the most that the sponsor pays in all, and the gift that the letter
    took as an example. Both are in `letters`, and neither is a feature
:Source: D. Karlan and J. A. List (2007), Does Price Matter in Charitable Giving?
"""


def ratio_of(frame):
    """Return how many dollars the sponsor adds to one of the donor, 0 for the control."""
    ratio = frame["treatment"] + frame["treat_ratio2"] + 2 * frame["treat_ratio3"]
    return ratio.to_numpy().astype(np.intp)


def drawn_value(frame, values):
    """Return the value whose column is 1 in each row, NaN where none is."""
    chosen = frame[list(values)].to_numpy() == 1
    return np.where(chosen.any(axis=1), chosen @ np.array(list(values.values())), np.nan)


def experiment_of(frame, as_frame):
    """Return the published table as the experiment that `fetch_karlan_list` describes."""
    pd = import_pandas("fetch_karlan_list")
    frame = frame.dropna(subset=list(_TARGETS)).reset_index(drop=True)
    ratio = ratio_of(frame)
    target = frame[list(_TARGETS)].rename(columns=_TARGETS)
    letters = {"limit": drawn_value(frame, _LIMITS), "example": drawn_value(frame, _EXAMPLES)}
    rows = {
        "data": frame[list(_FEATURES)].rename(columns=_FEATURES).replace(_MISSING, np.nan),
        "target": target,
        "treatment": pd.Series(_ARMS[ratio], name="treatment"),
        "cost": (ratio * target["amount"]).rename("cost"),
        "letters": pd.DataFrame(letters),
    }
    if not as_frame:
        rows = {name: values.to_numpy() for name, values in rows.items()}
        rows["treatment"] = rows["treatment"].astype(str)
    return Bunch(
        **rows,
        propensity=np.where(ratio == 0, _CONTROL_SHARE, _MATCH_SHARE),
        treatments=np.sort(_ARMS),
        control=_CONTROL,
        feature_names=list(_FEATURES.values()),
        target_names=list(_TARGETS.values()),
        DESCR=_DESCR,
    )


@validate_params(
    {
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
        "n_retries": [Interval(Integral, 0, None, closed="left")],
        "delay": [Interval(Real, 0, None, closed="left")],
        "as_frame": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_karlan_list(
    *,
    data_home: str | os.PathLike | None = None,
    download_if_missing: bool = True,
    n_retries: int = 3,
    delay: float = 1.0,
    as_frame: bool = True,
) -> Bunch:
    """Load the experiment with matching gifts to a charity (Karlan and List, 2007).

    The file (1.7 MB) comes from the R package experimentdatar. Only a file with the published
    bytes is kept, as `charitable.rda` in the folder `sklearn_hrc` of scikit-learn's data home.
    Later calls read the file there. Without a connection you can put it there by hand. A
    `charitable.rda` in the folder that the environment variable `SKLEARN_HRC_DATA` names is read
    instead. The package rdata reads it, which ``pip install "sklearn-hrc[data]"`` brings.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of all downloaded data. None stands for the folder in `SKLEARN_HRC_DATA` if it has
        the file, else for that of :func:`sklearn.datasets.get_data_home`.
    download_if_missing : bool, default=True
        Whether to download the file if it is not in the data home. If False, a missing file is an
        error.
    n_retries : int, default=3
        Number of retries when the site gives an error or half a file.
    delay : float, default=1.0
        Seconds between retries.
    as_frame : bool, default=True
        Whether the rows come as pandas objects instead of arrays.

    Returns
    -------
    experiment : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the attributes:

        - `data` : DataFrame or ndarray of shape (50081, 20), float64: earlier gifts, sex, couple,
          facts on the state, the county and the area of the zip code. NaN where the file has -999.
        - `target` : DataFrame or ndarray of shape (50081, 2), float64: amount (US$ given) and
          gave (0 or 1).
        - `treatment` : Series or ndarray of shape (50081,): "none", "1:1", "2:1" or "3:1".
        - `cost` : Series or ndarray of shape (50081,), float64: US$ that the sponsor pays, the
          ratio times the amount.
        - `letters` : DataFrame or ndarray of shape (50081, 2), float64: what was drawn beside the
          ratio. limit is the most that the sponsor pays in all (US$, NaN where unstated), and
          example the gift that the letter took as an example, as a multiple of the donor's highest
          gift. Both are NaN for the control.
        - `propensity` : ndarray of shape (50081,): 1/3 for the control, 2/9 for each ratio.
        - `treatments` : ndarray of shape (4,): sorted labels.
        - `control` : str, "none".
        - `feature_names`, `target_names` : lists of str.
        - `DESCR` : str, description.

    Raises
    ------
    OSError
        If there is no file in the data home, and no file or a wrong file came from the site.
    ValueError
        If the file in the data home is not the published file.
    ImportError
        If pandas or rdata is not installed.

    See Also
    --------
    fetch_hillstrom : An e-mail experiment.
    load_thornton_hiv : An experiment with cash incentives, paid on redemption.

    Notes
    -----
    Left out are 2 of the 50,083 donors: the file says that they gave, under 3:1, but not how much.

    No feature is a consequence of the letter. So the rates of response by state are left out, which
    were computed from this experiment, and the change of a gift against the one before. What was
    drawn beside the ratio is no feature either, since the draw is part of the letter.
    Columns that repeat another one more coarsely, or as its complement, are left out, too.

    References
    ----------
    .. [1] D. Karlan and J. A. List (2007). "Does Price Matter in Charitable Giving? Evidence from
           a Large-Scale Natural Field Experiment". American Economic Review 97(5), 1774-1793.
           https://doi.org/10.1257/aer.97.5.1774

    Examples
    --------
    >>> from sklearn_hrc.datasets import fetch_karlan_list
    >>> experiment = fetch_karlan_list()  # doctest: +SKIP
    >>> experiment.data.shape  # doctest: +SKIP
    (50081, 20)
    """
    import_pandas("fetch_karlan_list")
    import_rdata("fetch_karlan_list")  # before a download that would be in vain
    path = find_file(_FILE.file_name, None) if data_home is None else None
    if path is not None:
        frame = read_rda(path, _FILE, caller="fetch_karlan_list")
    else:
        frame = fetch_verified(
            _URL,
            _FILE,
            caller="fetch_karlan_list",
            data_home=data_home,
            download_if_missing=download_if_missing,
            n_retries=n_retries,
            delay=delay,
            read=read_rda,
        )
    return experiment_of(frame, as_frame)
