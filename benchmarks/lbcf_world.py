"""The simulator of LBCF (arXiv:2201.12585), from the formulas of its supplement.

Four features are hidden causes of each other:

    H1 ~ N(0.5, 1), H2 ~ N(2 H1^2, 2.5), H3 ~ N(2 H1 + 1.4 H2, 2),
    H4 ~ N(-0.5 + 0.7 H3 + 0.3 H2, 1).

With an arm A of 0 to 3, an unobserved U ~ N(3, 1.5 u) and an uncertainty u,

    response ~ N(U + A (w1 H2^2 + w2 H3^2 + w3 H4^2), 0.5 u),
    cost ~ Uniform(b / u, b) with b = A |w4 A H3^2 + U + w5 A H4|.

The supplement draws new weights w for the rows that are decided: what was true in the
experiment has drifted. `drift=0` keeps the weights, and 1 takes the new ones.
"""

import numpy as np
from scipy.special import ndtr
from sklearn.utils import Bunch

N_ARMS = 4
# Means of w1 to w5. Their standard deviation is 1.
WEIGHT_MEANS = np.array([0.0, 0.0, 2.0, 2.0, 4.0])


def make_lbcf_experiment(n_samples, *, random_state, uncertainty=10.0, drift=0.0, world=0):
    """Draw a randomised experiment with equal arms.

    Parameters
    ----------
    n_samples : int
        Rows.
    random_state : int
        Draws rows.
    uncertainty : float, default=10.0
        The supplement has 5, 10, 15 and 20.
    drift : float, default=0.0
        Share of the way from the weights of the world to new ones.
    world : int, default=0
        Draws the weights.

    Returns
    -------
    experiment : Bunch
        As `make_coupon_experiment` returns it.
    """
    first, second = np.random.default_rng(world).normal(WEIGHT_MEANS, 1.0, (2, 5))
    weights = first + drift * (second - first)
    rng = np.random.default_rng(random_state)
    H = draw_features(n_samples, rng)
    arms = np.arange(N_ARMS)
    effect = H[:, 1:] ** 2 @ weights[:3]
    slope = weights[3] * H[:, 2] ** 2 + weights[4] * H[:, 3]
    arm, latent = rng.integers(N_ARMS, size=n_samples), rng.normal(3, 1.5 * uncertainty, n_samples)
    response = latent + arm * effect + rng.normal(0, 0.5 * uncertainty, n_samples)
    bound = arm * np.abs(arm * slope + latent)
    return Bunch(
        data=H,
        target=response[:, None],
        treatment=arm,
        treatments=arms,
        cost=bound * rng.uniform(1 / uncertainty, 1, n_samples),
        expected_response=3 + arms * effect[:, None],
        expected_cost=arms
        * folded_mean(3 + arms * slope[:, None], 1.5 * uncertainty)
        * (1 + 1 / uncertainty)
        / 2,
    )


def draw_features(n_samples, rng):
    """Draw the four features, (n_samples, 4)."""
    noise = rng.normal(size=(4, n_samples))
    first = 0.5 + noise[0]
    second = 2 * first**2 + 2.5 * noise[1]
    third = 2 * first + 1.4 * second + 2 * noise[2]
    return np.column_stack([first, second, third, -0.5 + 0.7 * third + 0.3 * second + noise[3]])


def folded_mean(mean, deviation):
    """Mean of the absolute value of a normal variable."""
    density = np.exp(-0.5 * (mean / deviation) ** 2) * np.sqrt(2 / np.pi)
    return deviation * density + mean * (1 - 2 * ndtr(-mean / deviation))
