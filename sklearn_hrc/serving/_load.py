"""Load a policy folder."""

import os
from pathlib import Path

from sklearn_hrc.serving._exceptions import PolicyFolderError
from sklearn_hrc.serving._files import read_files
from sklearn_hrc.serving._manifest import parse_manifest
from sklearn_hrc.serving._model import Model
from sklearn_hrc.serving._served_policy import ServedPolicy

__all__ = ["load"]


def load(
    folder: str | os.PathLike,
    *,
    exploration: float = 0.0,
    random_state: int | None = None,
) -> ServedPolicy:
    """Load a policy that `export_policy` wrote.

    It needs numpy and onnxruntime. Nothing in the folder is executed but the graph. The policy is
    checked against the decisions that were stored with it.

    Parameters
    ----------
    folder : str or path-like
        The folder.
    exploration : float, default=0.0
        Share of decisions that are drawn by chance, with the shares of the arms in the
        experiment. The next experiment is in them. They cost what they cost in addition to the
        plan, until `set_budget` is called, whose budget covers them.
    random_state : int, default=None
        Seed of these draws.

    Returns
    -------
    policy : ServedPolicy
        Decides by the plan that was in use when it was exported.

    Raises
    ------
    ImportError
        If onnxruntime is missing.
    PolicyFolderError
        If a file is missing, damaged or of another version, or if the stored decisions do
        not come out.
    """
    content, model, vectors = read_files(Path(folder))
    manifest = parse_manifest(content)
    model = Model(model, len(manifest.features), len(manifest.shares))
    _check_vectors(ServedPolicy(manifest, model), vectors)
    return ServedPolicy(manifest, model, exploration=exploration, random_state=random_state)


def _check_vectors(policy, vectors):
    """Refuse a folder whose stored decisions do not come out."""
    try:
        told = [vector["treatment"] for vector in vectors]
        found = policy.decide([vector["row"] for vector in vectors]).treatment.tolist()
    except Exception as error:  # those of the runtime, too, which have no common class
        raise PolicyFolderError(
            "vectors.json is expected to hold rows of this policy, got others "
            f"({error}); export the policy again."
        ) from error
    differ = sum(one != other for one, other in zip(told, found))
    if differ or not told:
        raise PolicyFolderError(
            f"policy is expected to decide as in its {len(told)} stored decisions, got {differ} "
            "that differ; export the policy again, with the versions that serve it."
        )
