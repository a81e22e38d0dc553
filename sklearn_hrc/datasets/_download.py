"""Verified download of a published table into scikit-learn's data home."""

import os
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory

from sklearn.datasets import fetch_file, get_data_home

from sklearn_hrc.datasets._files import read_verified
from sklearn_hrc.datasets._frames import import_pandas

__all__ = ["fetch_verified"]

_CACHE_FOLDER = "sklearn_hrc"


def fetch_verified(
    url,
    table,
    *,
    caller,
    data_home,
    download_if_missing,
    n_retries,
    delay,
    read=read_verified,
):
    """Return a published table from the cache, or download it first.

    Parameters
    ----------
    url : str
        Address of the table at its publisher.
    table : PublishedTable or PublishedRda
        Name of the file and expected content.
    caller : str
        Name of the public function, for the message about pandas.
    data_home : str, path-like or None
        As in `sklearn.datasets.get_data_home`.
    download_if_missing : bool
        Whether to download a table that is not in the cache.
    n_retries : int
        Number of retries.
    delay : float
        Seconds between retries.
    read : callable, default=read_verified
        Reads a file that `table` describes, and raises ValueError where it is another one.

    Returns
    -------
    frame : DataFrame
        The table as published.

    Raises
    ------
    OSError
        If there is no cached file, and no file or a wrong file could be downloaded.
    ValueError
        If the cached file is not the published table.
    """
    import_pandas(caller)  # before a download that would be in vain
    path = Path(get_data_home(data_home), _CACHE_FOLDER, table.file_name)
    if path.is_file():
        return read_cached(path, table, caller=caller, read=read)
    if not download_if_missing:
        raise FileNotFoundError(
            f"{table.file_name} is expected at {path} because download_if_missing is False, "
            "got no such file."
        )
    try:
        return download(
            url, path, table, caller=caller, n_retries=n_retries, delay=delay, read=read
        )
    except (OSError, HTTPException, ValueError) as error:
        raise OSError(
            f"{table.file_name} could not be downloaded from {url} ({str(error).rstrip('.')}): "
            f"try again later, or put the file by hand at {path}."
        ) from error


def read_cached(path, table, *, caller, read):
    """Read a cached file and verify it, since somebody may have put it there or damaged it."""
    try:
        return read(path, table, caller=caller)
    except ValueError as error:
        raise ValueError(
            f"{str(error).rstrip('.')}: remove this file to have it downloaded again."
        ) from error


def download(url, path, table, *, caller, n_retries, delay, read):
    """Download a table to `path` and return it, or delete it if it is not the published table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A folder on the file system of the cache: the file then arrives there whole or not at all.
    with TemporaryDirectory(prefix=f"{table.file_name}.", dir=path.parent) as folder:
        file = fetch_file(
            url, folder, local_filename=table.file_name, n_retries=n_retries, delay=delay
        )
        frame = read(file, table, caller=caller, source="the file there")
        os.replace(file, path)
    return frame
