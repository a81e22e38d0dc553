"""A table of R's format rda, verified byte by byte before it is read."""

import warnings
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sklearn_hrc._extras import import_from_extra

__all__ = ["PublishedRda", "import_rdata", "read_rda"]


class PublishedRda(NamedTuple):
    """A file that others published, and what identifies it.

    Parameters
    ----------
    file_name : str
        Name of the file in its folder.
    table : str
        Name of the data frame in the file.
    n_bytes : int
        Size of the file.
    digest : str
        SHA-256 digest of the file, in hexadecimal digits.
    """

    file_name: str
    table: str
    n_bytes: int
    digest: str


def import_rdata(caller):
    """Return the module rdata, or raise an error that says how to install it."""
    return import_from_extra("rdata", caller, "data")


def read_rda(path, file, *, caller, source=None):
    """Read a published file of R, once its bytes are known to be the published ones.

    Parameters
    ----------
    path : path-like
        Path of an existing file.
    file : PublishedRda
        Expected file.
    caller : str
        Name of the public function, for the message about rdata.
    source : str, default=None
        Origin of the file, for messages. None stands for `path`.

    Returns
    -------
    frame : DataFrame
        The table as published, as float64, NaN where R has NA.

    Raises
    ------
    ValueError
        If the file is not the published file.
    """
    rdata = import_rdata(caller)
    content = Path(path).read_bytes()
    digest = sha256(content).hexdigest()
    if digest != file.digest:
        raise ValueError(
            f"{path if source is None else source} is expected to have {file.n_bytes} bytes and "
            f"the SHA-256 digest {file.digest}, got {len(content)} bytes and {digest}."
        )
    with warnings.catch_warnings():
        # The classes that R gives to frames and their columns add nothing to the numbers.
        warnings.filterwarnings("ignore", "Missing constructor for R class", UserWarning)
        frame = rdata.read_rda(BytesIO(content))[file.table]
    return frame.astype(np.float64).reset_index(drop=True)
