"""
An A/B test of the policy
=========================

A policy that looked good on held-out rows is put to the test online: customers are drawn at random
to get what the policy says, or what the rule in use says. This example simulates four weeks of
such a test. Both halves have the same money every day.
"""

import tempfile

import matplotlib.pyplot as plt
import numpy as np
import sklearn
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_hrc as hrc
from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.export import export_policy
from sklearn_hrc.serving import BudgetPacer, load

sklearn.set_config(enable_metadata_routing=True)
BUDGET = 0.8  # mean cost per customer

# %%
# The policy is fitted on a randomised experiment, distilled, and loaded from its folder as a server
# does. The rule in use is the best single coupon of the same experiment, for those who come first.
rct = make_coupon_experiment(15_000, random_state=0)
policy = make_pipeline(
    StandardScaler(),
    hrc.MultiTaskRepresenter(random_state=0),
    hrc.HiddenClusterer(n_clusters=64, random_state=0),
    hrc.ClusterBudgetAllocator(budget=BUDGET, random_state=0),
).fit(rct.data, rct.target, treatment=rct.treatment, cost=rct.cost)
student = hrc.DistilledAllocator(FrozenEstimator(policy), random_state=0)
student.fit(rct.data, rct.target, treatment=rct.treatment, cost=rct.cost)
with tempfile.TemporaryDirectory() as folder:
    served = load(export_policy(student, f"{folder}/policy", rct.data))

arms = (rct.treatment[:, None] == rct.treatments).astype(float)
sales, cost = (outcome @ arms / arms.sum(axis=0) for outcome in (rct.target[:, 0], rct.cost))
best = np.argmax((sales - sales[0]) * np.minimum(BUDGET / np.maximum(cost, 1e-9), 1))
print(f"rule in use: a coupon of {rct.treatments[best]} for {BUDGET / cost[best]:.0%} of a day")

# %%
# More customers come at weekends, and twice as many on the day of a promotion. How many they are
# is not known in the morning. Week by week they order more and redeem fewer coupons.
rng = np.random.default_rng(0)
days = np.arange(28)
planned = 2_500 * np.where(days % 7 < 5, 1, 1.3) * np.where(days == 17, 2, 1)  # in each half
day = np.repeat(days, rng.poisson(2 * planned * np.exp(rng.normal(0, 0.1, 28))))
time = np.sort(day + rng.triangular(0, 0.75, 1, len(day)))
due = time + rng.exponential(0.08, len(day))  # when a coupon is redeemed, if it is
people = make_coupon_experiment(len(day), random_state=1)
chance = people.expected_orders * (1 + 0.1 * time[:, None] / 28)
basket = people.expected_response / people.expected_orders
ordered = rng.random((len(day), 1)) < chance
redeems = rng.random((len(day), 1)) < 1 - 0.15 * time[:, None] / 28
paid = ordered * redeems * people.treatments

# %%
# A :class:`~sklearn_hrc.serving.BudgetPacer` gives the policy a mean budget every 15 minutes,
# and hears of every decision and redemption.
has_policy = rng.random(len(day)) < 0.5
given = np.zeros(len(day), dtype=int)  # the arm of each customer
delay = [(age, 1 - np.exp(-age / 0.08)) for age in np.linspace(0, 1, 49)]
traffic = np.histogram(rng.triangular(0, 0.75, 1, 100_000), 48, (0, 1))[0] / 100_000
for today, expected in enumerate(planned):
    money = BUDGET * expected
    given[np.flatnonzero((day == today) & ~has_policy)[: int(money / cost[best])]] = best
    pacer = BudgetPacer(
        *(money, today, today + 1, expected * traffic),
        delay=delay,
        budget_range=served.budget_range,
    )
    mine = np.flatnonzero((day == today) & has_policy)
    for now in today + np.arange(96) / 96:
        for row in mine[(due[mine] > now - 1 / 96) & (due[mine] <= now)].tolist():
            if paid[row, given[row]]:
                pacer.redeemed(row, paid[row, given[row]])
        rows = mine[(time[mine] >= now) & (time[mine] < now + 1 / 96)]
        served.set_budget(pacer.budget(now))
        decisions = served.decide(people.data[rows])
        given[rows] = np.searchsorted(people.treatments, decisions.treatment)
        for row, cost_of_row in zip(rows.tolist(), served.cost_of(decisions).tolist()):
            pacer.decided(row, time[row], cost_of_row)

# %%
# The figure shows what the coupons of each day cost in the end. The rule in use leaves money where
# fewer people come or redeem than expected. The pacer notices. The rest of its distance from the
# plan is chance: which of the coupons that are open at midnight are redeemed, nobody knows.
everyone = np.arange(len(day))
_, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
ax.axhline(100, color="0.5", linewidth=1)
for name, half, color in (("rule in use", ~has_policy, "C1"), ("policy", has_policy, "C0")):
    spent = np.bincount(day[half], paid[everyone, given][half]) / (BUDGET * planned)
    ax.plot(days + 1, 100 * spent, "o-", color=color, markersize=4, linewidth=1.2)
    ax.text(28.5, 100 * spent[-1], name, color=color, va="center")
    print(f"{name}: {np.average(spent, weights=planned):.1%} of the money in four weeks")
ax.axvline(18, color="0.7", linestyle=":", zorder=0)
ax.text(18.3, 107, "promotion", color="0.4")
ax.set(xlabel="day of the test", ylabel="spend, % of the day's money", xticks=[1, 7, 14, 21, 28])
ax.set(xlim=(0, 33), ylim=(78, 110))
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# The lift is a ratio of two means. Its interval comes from the delta method, and narrows as
# customers come. Whoever looks every day and stops when he likes what he sees is wrong more often
# than in 5 % of tests, so the end is fixed in advance. Only a simulation knows the true lift.
noise = rng.lognormal(-0.18, 0.6, (len(day), 1))
outcomes = {"orders": (ordered, chance), "sales (GMV)": (ordered * basket * noise, chance * basket)}
_, axes = plt.subplots(1, 2, sharey=True, figsize=(7, 3.2), layout="constrained")
for ax, (name, (drawn, expected)) in zip(axes, outcomes.items()):
    got, gain = drawn[everyone, given], expected[everyone, given] - expected[:, 0]
    lift, error = np.empty(28), np.empty(28)
    for last in days:
        new, old = (got[half & (day <= last)] for half in (has_policy, ~has_policy))
        lift[last] = 100 * (new.mean() / old.mean() - 1)
        errors = [one.std() / one.mean() / np.sqrt(len(one)) for one in (new, old)]
        error[last] = 1.96 * (100 + lift[last]) * np.hypot(*errors)
    new, old = (expected[:, 0].mean() + gain[half].mean() for half in (has_policy, ~has_policy))
    ax.fill_between(days + 1, lift - error, lift + error, alpha=0.25, linewidth=0)
    ax.plot(days + 1, lift)
    ax.plot([2, 28], 2 * [100 * (new / old - 1)], "k:", linewidth=1)
    ax.axhline(0, color="0.5", linewidth=1)
    ax.set_title(f"{name}: {lift[-1]:+.1f} % ± {error[-1]:.1f}", fontsize="medium")
    ax.text(28, 4, f"dotted: in truth {100 * (new / old - 1):+.1f} %", ha="right")
    ax.set(xlabel="days of the test so far", xticks=[7, 14, 21, 28], xlim=(2, 29))
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set(ylabel="lift over the rule in use, %", ylim=(-3, 42))
axes[0].text(7, 28, "95 % interval", color="C0")
plt.show()

# %%
# The paper reports +0.53 % orders and +0.65 % GMV of its test on a platform
# (`arXiv:2506.00959 <https://arxiv.org/abs/2506.00959>`_). A lift says as much about the rule in
# use as about the policy: here the rule looks at nobody, and leaves money.
# :doc:`/guide/paper` has forty such tests, also against rules that look.
