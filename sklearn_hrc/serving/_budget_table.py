"""What the plans of a folder are, as columns."""

import numpy as np

from sklearn_hrc.serving._exploration import Exploration
from sklearn_hrc.serving._manifest import Manifest

__all__ = ["budget_table"]


def budget_table(manifest: Manifest, exploration: Exploration) -> dict[str, np.ndarray]:
    """Return the plans of a folder, one a row.

    Parameters
    ----------
    manifest : Manifest
        What the folder says.
    exploration : Exploration
        Random decisions, which have a part in all columns but the shadow price.

    Returns
    -------
    table : dict of ndarray of shape (n_plans,)
        Budget, cost, response, shadow price, and the share of each arm.
    """
    plans, propensity = manifest.plans, manifest.propensity
    cost, response = (
        manifest.shares @ cells @ propensity for cells in (manifest.cost, manifest.response)
    )
    shares = exploration.mean(np.array([plan.arm_shares for plan in plans]), propensity)
    return {
        "budget": exploration.mean(np.array([plan.budget for plan in plans]), cost),
        "expected_cost": exploration.mean(np.array([plan.cost for plan in plans]), cost),
        "expected_response": exploration.mean(
            np.array([plan.response for plan in plans]), response
        ),
        "shadow_price": np.array([plan.shadow_price for plan in plans]),
        **{f"share of {label}": part for label, part in zip(manifest.treatments, shares.T)},
    }
