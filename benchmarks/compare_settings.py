"""Experiments on which compare.py sets HRC beside its rivals.

They are those for which quality.py reports figures, further ones with noise in features and
outcomes, and the simulator of LBCF with and without its drift. Defaults of the package and of the
rivals were chosen on other settings and seeds (`DEVELOPMENT` of `quality_settings.py`).
"""

from lbcf_world import make_lbcf_experiment
from quality_settings import REPORTED, Setting, coupons, samples

TEST_ROWS, TEST_SEED = 20_000, 1000

FURTHER = coupons(
    {
        "few rows": {"n_samples": 3_000},
        "unequal arms": {"n_samples": 30_000, "treatment_shares": [0.6, 0.1, 0.1, 0.1, 0.1]},
    }
)
LBCF = {
    f"LBCF, {name}": Setting("lbcf", {"n_samples": 20_000, **parameters})
    for name, parameters in {
        "little noise": {"uncertainty": 5.0},
        "much noise": {"uncertainty": 20.0},
        "drift": {"uncertainty": 10.0, "drift": 0.3},
        "all its drift": {"uncertainty": 10.0, "drift": 1.0},
    }.items()
}
SETTINGS = {name: s for name, s in (REPORTED | FURTHER | LBCF).items() if s.family != "raw"}


def draw(setting, seed):
    """Rows of fit, and rows to judge on: of the same population, or of one that has drifted."""
    if setting.family != "lbcf":
        return samples(setting, seed)
    given = {**setting.parameters, "world": seed}
    train = make_lbcf_experiment(random_state=seed, **{**given, "drift": 0.0})
    n_rows = max(given["n_samples"], TEST_ROWS)
    return train, make_lbcf_experiment(
        random_state=seed + TEST_SEED, **given | {"n_samples": n_rows}
    )
