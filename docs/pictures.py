"""Draw the two pictures of the first page: `python docs/pictures.py`, two minutes on two cores.

The first picture shows who gets what by the policy of the README. The second one shows what
budgets buy on customers whom the policy has not seen, beside the best single coupon.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.evaluation import evaluate
from sklearn_hrc.plotting import ClusterProfileDisplay

STATIC = Path(__file__).parent / "_static"
FEATURES = {
    "coupons_used": "coupons used",
    "app_sessions": "app sessions",
    "past_spend": "past spend",
    "recency_days": "days since order",
    "distance_km": "km to the shop",
    "age": "age",
}
BUDGETS = np.array([0.3, 0.6, 0.9, 1.2, 1.6, 2.0, 2.4])
POLICY, RULE = "policy", "best single arm"


def draw_recipients(policy, customers):
    """Draw who gets which coupon, in the features as they are."""
    coupons = policy.predict(customers)
    given = np.unique(coupons)
    heads = {coupon: f"coupon {coupon}" if coupon else "no coupon" for coupon in given.tolist()}
    display = ClusterProfileDisplay.from_predictions(
        [heads[coupon] for coupon in coupons.tolist()],
        customers.rename(columns=FEATURES),
        features=list(FEATURES.values()),
        clusters=list(heads.values()),
        ax=plt.subplots(figsize=(6.4, 3.9), layout="constrained")[1],
        colorbar=False,
    )
    texts = [label.get_text() for label in display.ax_.get_xticklabels()]
    texts[0] = texts[0].replace("cluster", "who gets")
    display.ax_.set_xticks(display.ax_.get_xticks(), texts)
    return display.figure_


def draw_comparison(curve):
    """Draw gains against spend, with the interval of the difference to the best single coupon."""
    frame = curve.to_frame()
    own, rule = (frame[frame["rule"] == name] for name in (POLICY, RULE))
    spend, gain = own["spend"].to_numpy(), own["gain"].to_numpy()
    # The rule at the spend of the policy. The interval of the difference starts from there.
    base = gain - rule["difference"].to_numpy()
    low, high = base + rule[["difference_low", "difference_high"]].to_numpy().T
    figure, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    ax.vlines(
        spend, low, high, color="tab:blue", lw=8, alpha=0.3, label="95 % interval of the difference"
    )
    ax.plot([0, *spend], [0, *gain], "o-", color="tab:blue", label="policy")
    ax.plot([0, *spend], [0, *base], "k--", label="best single coupon at the same spend")
    ax.set(xlim=0, ylim=0, xlabel="spend per customer")
    ax.set_ylabel("gain in sales per customer,\nover no coupon for everybody")
    ax.legend(loc="lower right")
    return figure


def main(folder=STATIC, n_rows=30_000, max_epochs=None):
    """Draw both pictures into a folder."""
    rct = make_coupon_experiment(n_rows, as_frame=True, random_state=0)
    policy = make_pipeline(
        StandardScaler(),
        MultiTaskRepresenter(random_state=0),
        HiddenClusterer(n_clusters=64, random_state=0),
        ClusterBudgetAllocator(budget=1.2, random_state=0),
    )
    if max_epochs is not None:
        policy.set_params(multitaskrepresenter__max_epochs=max_epochs)
    rows = {"treatment": rct.treatment, "cost": rct.cost}
    with sklearn.config_context(enable_metadata_routing=True):
        evaluation = evaluate(
            policy, rct.data, rct.target, budgets=BUDGETS, random_state=0, verbose=1, **rows
        )
        policy.fit(rct.data, rct.target, **rows)
    print("\n".join(evaluation.sentences()))
    with plt.rc_context({"font.size": 12}):  # to be read on a phone
        pictures = {
            "who_gets_what": draw_recipients(policy, rct.data),
            "policy_and_best_arm": draw_comparison(evaluation.curve),
        }
        for name, figure in pictures.items():
            figure.savefig(Path(folder) / f"{name}.png", dpi=150, bbox_inches="tight")


if __name__ == "__main__":
    main(*sys.argv[1:2])
