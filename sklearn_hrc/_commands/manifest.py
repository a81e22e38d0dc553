"""What the folder of a policy says of itself, as JSON."""

import hashlib
import json
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sklearn_hrc._commands.command_line import PROGRAM
from sklearn_hrc._commands.experiment_table import Experiment
from sklearn_hrc._version import __version__

__all__ = ["FORMAT", "MANIFEST", "describe", "digest", "read_manifest"]

MANIFEST = "manifest.json"
FORMAT = "sklearn-hrc policy"
FORMAT_VERSION = 1
_PARTS = {
    "package_version": str,
    "made": str,
    "command": str,
    "columns": dict,
    "features": list,
    "ids": list,
    "arms": list,
    "outcomes": list,
    "notes": list,
    "table": dict,
    "files": dict,
}


def describe(experiment: Experiment, policy: Any, options: Any) -> dict[str, Any]:
    """Return what a manifest says, but the checksums of the other files.

    Parameters
    ----------
    experiment : Experiment
        What was read.
    policy : Pipeline
        Fitted policy.
    options : Namespace
        Command line of fit.

    Returns
    -------
    manifest : dict
        Plain values.
    """
    last = policy[-1]
    arms = last.treatments_.tolist()
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "package_version": __version__,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": f"{PROGRAM} {shlex.join(options.command_line)}",
        "random_state": options.random_state,
        "columns": experiment.columns,
        "features": [str(name) for name in experiment.rows.X.columns],
        "ids": experiment.ids,
        "arms": arms,
        "control": arms[arms.index(last.control_)],  # of a type that JSON knows
        "outcomes": [str(name) for name in last.outcome_names_],
        "notes": list(experiment.rows.notes),
        "table": {
            "path": str(experiment.path.resolve()),
            "rows": len(experiment.rows.X),
            "sha256": digest(experiment.path),
        },
    }


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder, or say why the folder is none of a policy."""
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(
            f"policy is expected to be a folder that fit wrote, got {str(folder)!r}, which has no "
            f"{MANIFEST}."
        )
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _damaged(folder, "no JSON") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ValueError(
            f"policy is expected to be a folder that fit wrote, got {str(folder)!r}, whose "
            f"{MANIFEST} is that of something else."
        )
    _check_versions(manifest, folder)
    for name, kind in _PARTS.items():
        if not isinstance(manifest.get(name), kind):
            raise _damaged(folder, f"no {name!r}")
    return manifest


def _check_versions(manifest, folder):
    found = manifest.get("format_version")
    if found != FORMAT_VERSION:
        raise ValueError(
            f"policy is expected to have format {FORMAT_VERSION}, got format {found!r} in "
            f"{str(folder)!r}; fit the policy again with this version."
        )
    version = str(manifest.get("package_version"))
    if version.partition(".")[0] != __version__.partition(".")[0]:
        raise ValueError(
            f"policy is expected to be of sklearn-hrc {__version__.partition('.')[0]}, got "
            f"{version!r} in {str(folder)!r}; fit the policy again with this version."
        )


def _damaged(folder, what):
    return ValueError(
        f"{MANIFEST} of policy is expected to be as fit wrote it, got {what} in {str(folder)!r}; "
        "fit the policy again."
    )
