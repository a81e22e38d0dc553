"""A little campaign as files, and the folder of a policy that was fitted to it."""

import contextlib
import io
from pathlib import Path
from typing import NamedTuple

import pytest

pytest.importorskip("pandas")
pytest.importorskip("skrub")
pytest.importorskip("skops")

from helpers.command_cases import COLUMNS, QUICK, campaign

from sklearn_hrc._commands.run import main


class Fitted(NamedTuple):
    """Files, the folder, and what fit printed."""

    home: Path
    folder: Path
    printed: str
    progress: str


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Folder with the table of a campaign, and a list without what happened."""
    home = tmp_path_factory.mktemp("campaign")
    campaign(400, 0).to_csv(home / "campaign.csv", index=False)
    people = campaign(120, 1).drop(columns=["arm", "orders", "gmv", "paid"])
    people.to_csv(home / "list.csv", index=False)
    return home


@pytest.fixture(scope="session")
def fitted(files):
    """Fit once, by the command."""
    out, err = io.StringIO(), io.StringIO()
    words = ["fit", str(files / "campaign.csv"), *COLUMNS, *QUICK, "-o", str(files / "policy")]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        assert main(words) == 0, err.getvalue()
    return Fitted(files, files / "policy", out.getvalue(), err.getvalue())
