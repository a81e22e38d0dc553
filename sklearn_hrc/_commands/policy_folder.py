"""The folder of a policy: written whole or not at all, and read without trust in what it holds."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sklearn_hrc._commands.manifest import FORMAT, MANIFEST, digest, read_manifest
from sklearn_hrc._commands.outputs import writable_parent
from sklearn_hrc._commands.trusted import EVALUATION_TYPES, POLICY_TYPES
from sklearn_hrc._folders import folder_written_whole
from sklearn_hrc.evaluation import Evaluation

__all__ = ["SavedPolicy", "check_output_folder", "read_folder", "write_folder"]

_POLICY, _EVALUATION = "policy.skops", "evaluation.skops"
_TRUSTED = {_POLICY: POLICY_TYPES, _EVALUATION: EVALUATION_TYPES}


class SavedPolicy(NamedTuple):
    """What a folder holds.

    Attributes
    ----------
    policy : Pipeline
        Fitted policy.
    evaluation : Evaluation or None
        What it is worth, without decisions for single rows.
    manifest : dict
        What the folder says of itself.
    """

    policy: Any
    evaluation: Evaluation | None
    manifest: dict[str, Any]


def check_output_folder(output: str) -> Path:
    """Return where the folder shall be; what is there must be a policy alone, or nothing."""
    path = writable_parent(output)
    if not path.exists():
        return path
    if not path.is_dir():
        raise FileExistsError(f"output is expected to be a folder, got the file {output!r}.")
    names = {entry.name for entry in path.iterdir()}
    if not names:
        return path
    if MANIFEST not in names or not _is_ours(path / MANIFEST):
        raise FileExistsError(
            "output is expected to be a new folder or that of an older policy, got "
            f"{output!r}, which holds something else; name another folder."
        )
    if others := sorted(names - {MANIFEST, *_TRUSTED}):
        raise FileExistsError(
            f"output is expected to hold an older policy and nothing else, got {output!r} with "
            f"{others[0]!r}; move that file, or name another folder."
        )
    return path


def _is_ours(manifest):
    try:
        return json.loads(manifest.read_text(encoding="utf-8")).get("format") == FORMAT
    except (ValueError, AttributeError, OSError):
        return False


def write_folder(
    path: Path, policy: Any, evaluation: Evaluation | None, manifest: dict[str, Any]
) -> None:
    """Write the folder of a policy, in place of an older one.

    Parameters
    ----------
    path : Path
        From `check_output_folder`.
    policy : Pipeline
        Fitted policy.
    evaluation : Evaluation or None
        What it is worth.
    manifest : dict
        From `describe`; the checksums are added.
    """
    import skops.io

    with folder_written_whole(path) as part:
        skops.io.dump(policy, part / _POLICY)
        if evaluation is not None:
            skops.io.dump(_without_rows(evaluation), part / _EVALUATION)
        files = {entry.name: digest(entry) for entry in sorted(part.iterdir())}
        text = json.dumps({**manifest, "files": files}, indent=2, ensure_ascii=False)
        (part / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _without_rows(evaluation):
    """Leave out what stands for single rows: the report needs to know only which arms there are."""
    return replace(
        evaluation,
        arms=np.unique(evaluation.arms),
        curve_arms=np.empty((len(evaluation.budgets), 0)),
        outcomes=None,
    )


def read_folder(folder: str) -> SavedPolicy:
    """Read the folder of a policy.

    Parameters
    ----------
    folder : str
        Path of the folder.

    Returns
    -------
    saved : SavedPolicy
        Its decisions are those of the policy that was written.
    """
    path = Path(folder)
    if not path.is_dir():
        raise FileNotFoundError(
            f"policy is expected to be a folder that fit wrote, got {folder!r}, which is none."
        )
    manifest = read_manifest(path)
    for name, checksum in manifest["files"].items():
        _check_file(path, name, checksum)
    if _POLICY not in manifest["files"]:
        raise _changed(path, _POLICY, "is not listed in its manifest")
    policy = _load(path, _POLICY)
    if not hasattr(policy, "predict"):
        raise _changed(path, _POLICY, "holds no policy")
    judged = _EVALUATION in manifest["files"]
    return SavedPolicy(policy, _load(path, _EVALUATION) if judged else None, manifest)


def _check_file(folder, name, checksum):
    if name not in _TRUSTED:
        raise _changed(folder, name, "is none that fit writes")
    if not (folder / name).is_file():
        raise _changed(folder, name, "is missing")
    if digest(folder / name) != checksum:
        raise _changed(folder, name, "is damaged or from elsewhere")


def _load(folder, name):
    """Load a file that holds trusted types alone."""
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        return skops.io.load(folder / name, trusted=_TRUSTED[name])
    except UntrustedTypesFoundException as error:
        found = " ".join(str(error).split()).rstrip(".")
        raise _changed(folder, name, f"asks for what no policy holds ({found})") from error
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _changed(folder, name, f"cannot be read ({type(error).__name__})") from error


def _changed(folder, name, how):
    return ValueError(
        f"policy is expected to be a folder as fit wrote it, got {str(folder)!r}, where {name} "
        f"{how}; fit the policy again."
    )
