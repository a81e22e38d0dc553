"""The files of a policy folder: read, and checked before anything is made of them."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from sklearn_hrc.serving._exceptions import PolicyFolderError

__all__ = ["FORMAT", "FORMAT_VERSION", "MANIFEST", "MODEL", "VECTORS", "digest", "read_files"]

FORMAT = "sklearn-hrc policy for serving"
# A reader of version 1.2 reads 1.0 to 1.2, and refuses 1.3 and 2.0.
# 1.1: plans have the shares of their arms.
FORMAT_VERSION = (1, 1)
MANIFEST, MODEL, VECTORS = "policy.json", "model.onnx", "vectors.json"


def digest(content: bytes) -> str:
    """Return the SHA-256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def read_files(folder: Path) -> tuple[dict[str, Any], bytes, list[Any]]:
    """Read the three files of a folder.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    manifest : dict
        Content of policy.json, whose format and version are known.
    model : bytes
        Content of model.onnx, with the checksum that the manifest has.
    vectors : list
        Content of vectors.json, likewise.

    Raises
    ------
    PolicyFolderError
        If a file is missing, damaged, or of another format or version.
    """
    if not os.path.isdir(folder):  # False, too, where the path itself cannot be
        raise PolicyFolderError(f"folder is expected to be a folder, got {str(folder)!r}.")
    manifest = _parse(_content(folder, MANIFEST), MANIFEST)
    _check_format(manifest, folder)
    sums = manifest.get("sha256")
    contents = {}
    for name in (MODEL, VECTORS):
        content = _content(folder, name)
        if not isinstance(sums, dict) or sums.get(name) != digest(content):
            raise PolicyFolderError(
                f"{name} in {str(folder)!r} is expected to have the checksum that {MANIFEST} "
                "names, got another; export the policy again."
            )
        contents[name] = content
    vectors = _parse(contents[VECTORS], VECTORS)
    if not isinstance(vectors, list):
        raise PolicyFolderError(f"{VECTORS} is expected to hold a list; export the policy again.")
    return manifest, contents[MODEL], vectors


def _check_format(manifest, folder):
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise PolicyFolderError(
            f"folder is expected to be written by export_policy, got {str(folder)!r} with another "
            f"{MANIFEST}."
        )
    version = manifest.get("format_version")
    known = isinstance(version, list) and all(type(part) is int for part in version)
    readable = known and (FORMAT_VERSION[0], 0) <= tuple(version) <= FORMAT_VERSION
    if not readable or len(version) != 2:
        ours = ".".join(map(str, FORMAT_VERSION))
        raise PolicyFolderError(
            f"folder is expected to have a format up to version {ours} of the same major version, "
            f"got version {version!r}; export the policy again, or update sklearn-hrc."
        )


def _content(folder, name):
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise PolicyFolderError(
            f"folder is expected to hold a file {name} that can be read, got {str(folder)!r} "
            f"({error.strerror})."
        ) from error


def _parse(content, name):
    try:
        return json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise PolicyFolderError(
            f"{name} is expected to hold JSON, got something else; export the policy again."
        ) from error


def _refuse(constant):
    raise ValueError(f"{constant} is no JSON")
