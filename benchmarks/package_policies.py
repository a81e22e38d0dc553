"""Policies that a careful user of other packages makes from the same experiment.

None of causalml, econml and scikit-uplift knows of a mean budget, nor of a cost that is
itself an outcome. Each is therefore fitted twice, to the response and to the cost, and
decides for individuals at the price of the budget (`individual.py`). maq
allocates effects that something else estimated. Our own student is here for the time it
takes to decide. A function of a world (`quality.py`)
returns `decide(X, budgets)`; its package is imported when it is called.
"""

import numpy as np
from individual import arm_means, individual, s_learner
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

from sklearn_hrc import ClusterBudgetAllocator, DistilledAllocator, HiddenClusterer

# An expected cost is at least this share of its arm's mean: a coupon is never paid for
# by its receiver, and maq takes positive costs only.
LEAST_COST = 0.05


def boosting(seed):
    """Boosted trees of the size that did best of a few in a world with another seed.

    Of LightGBM's and scikit-learn's own defaults, which are larger, all learners lost a
    lot: effects are small beside the noise of a row.
    """
    from lightgbm import LGBMRegressor

    return LGBMRegressor(
        n_estimators=100,
        learning_rate=0.05,
        num_leaves=8,
        min_child_samples=200,
        n_jobs=1,
        verbose=-1,
        random_state=seed,
    )


def effects_policy(fit, train):
    """Decide one by one by effects: `fit(outcome)` returns a function of X, (n, arms - 1)."""
    return individual(expectations(fit, train), train)


def expectations(fit, train):
    """Responses and costs of all arms, from effects over control and control's mean."""
    effects = [fit(outcome) for outcome in (train.target[:, 0], train.cost)]
    base = train.target[train.treatment == train.treatments[0], 0].mean()

    def predict(X):
        response, cost = (np.pad(effect(X), ((0, 0), (1, 0))) for effect in effects)
        return base + response, np.maximum(cost, LEAST_COST * cost.mean(axis=0))

    return predict


def regression(world):
    """No package: one boosted regression of each outcome, the arm being a feature."""

    def fit(X, outcome):
        return boosting(world.seed).fit(X, outcome).predict

    return individual(s_learner(fit, world.train), world.train)


def causalml(learner):
    """Make the policy of a meta-learner of causalml, which fits each arm against control."""

    def method(world):
        from causalml.inference import meta

        train = world.train

        def propensity(n_rows):
            # Of the rows of an arm and of control, half received the arm.
            return {arm: np.full(n_rows, 0.5) for arm in train.treatments[1:].tolist()}

        def fit(outcome):
            model = getattr(meta, f"Base{learner}Regressor")(
                learner=boosting(world.seed), control_name=0
            )
            given = {} if learner in ("S", "T") else {"p": propensity(len(outcome))}
            model.fit(X=train.data, treatment=train.treatment, y=outcome, **given)
            if learner == "X":
                return lambda X: model.predict(X, p=propensity(len(X)))
            return model.predict

        return effects_policy(fit, train)

    return method


def econml(make):
    """Make the policy of an estimator of econml, which fits all arms at once."""

    def method(world):
        def fit(outcome):
            model = make(world)
            model.fit(outcome, world.train.treatment, X=world.train.data)
            return lambda X: model.const_marginal_effect(X).reshape(len(X), -1)

        return effects_policy(fit, world.train)

    return method


def s_learner_of_econml(world):
    """One boosted regression with indicators of the arms."""
    from econml.metalearners import SLearner

    return SLearner(overall_model=boosting(world.seed))


def linear_dml(world):
    """Effects linear in the features; the arms were drawn with known, equal shares."""
    from econml.dml import LinearDML

    return LinearDML(
        model_y=boosting(world.seed),
        model_t=DummyClassifier(strategy="prior"),
        discrete_treatment=True,
        random_state=world.seed,
    )


def causal_forest(world):
    """A forest for the effects of all arms together; twice the trees gain nothing."""
    from econml.dml import CausalForestDML

    return CausalForestDML(
        model_y=boosting(world.seed),
        model_t=DummyClassifier(strategy="prior"),
        discrete_treatment=True,
        n_estimators=100,
        min_samples_leaf=len(world.train.data) // 150,
        max_samples=0.25,
        n_jobs=1,
        random_state=world.seed,
    )


def dr_learner(world):
    """Boosted regressions of doubly robust scores, one for each arm."""
    from econml.dr import DRLearner

    return DRLearner(
        model_regression=boosting(world.seed),
        model_propensity=DummyClassifier(strategy="prior"),
        model_final=boosting(world.seed),
        random_state=world.seed,
    )


def scikit_uplift(world):
    """A solo model of each arm against control: scikit-uplift knows of two arms only."""
    train = world.train

    def fit(outcome):
        models = [
            solo_model(train, outcome, arm, boosting(world.seed)) for arm in train.treatments[1:]
        ]
        return lambda X: np.column_stack([model(X) for model in models])

    return effects_policy(fit, train)


def solo_model(train, outcome, arm, regressor):
    """Fit one model to the rows of an arm and of control; return a function of X, (n,)."""
    from lightgbm import LGBMClassifier
    from sklift.models import SoloModel

    rows = np.isin(train.treatment, [train.treatments[0], arm])
    treated = (train.treatment[rows] == arm).astype(int)
    levels, y = np.unique(outcome[rows]), outcome[rows]
    # An outcome of two values, like the cost of one coupon, is taken for classes.
    if len(levels) == 2:
        parameters = regressor.get_params() | {"objective": "binary"}
        model = SoloModel(LGBMClassifier(**parameters))
        model.fit(train.data[rows], (y == levels[1]).astype(int), treated)
        return lambda X: np.ptp(levels) * model.predict(X)
    model = SoloModel(regressor).fit(train.data[rows], y, treated)
    return model.predict


def maq(world):
    """Allocate the rows that are decided, by the effects that our networks expect.

    maq knows no rows but those it is fitted to: it follows the path of these.
    """
    from maq import MAQ

    networks, _ = world.networks()

    def decide(X, budgets):
        outcomes = networks[-1].predict_outcomes(networks[0].transform(X))
        response, cost = outcomes[..., 0], outcomes[..., -1]
        effect = response[:, 1:] - response[:, :1]
        least = LEAST_COST * cost[:, 1:].mean(axis=0)
        # The last argument is for the evaluation of the path, which is not used here.
        path = MAQ(n_threads=1).fit(effect, np.maximum(cost[:, 1:], least), effect)
        return [
            world.train.treatments[path.predict(budget, prediction_type="vector")]
            for budget in budgets
        ]

    return decide


def clusters_of_regression(world):
    """Clusters and allocator of this package on outcomes that the regression expects."""
    train = world.train

    def fit(X, outcome):
        return boosting(world.seed).fit(X, outcome).predict

    predict = s_learner(fit, train)

    def columns(X):
        # [features | expected outcomes], arm by arm, each response and then cost.
        return np.column_stack([X, np.stack(predict(X), axis=2).reshape(len(X), -1)])

    policy = make_pipeline(
        HiddenClusterer(random_state=world.seed),
        ClusterBudgetAllocator(random_state=world.seed),
    )
    rows = {"treatment": train.treatment, "cost": train.cost}
    policy.fit(columns(train.data), train.target[:, 0], **rows)

    def decide(X, budgets):
        Z = policy[0].transform(columns(X))
        return [policy[1].set_budget(budget).predict(Z) for budget in budgets]

    return decide


def student(world):
    """Clusters of this package, distilled into one small model for serving."""
    train = world.train
    scaler, representer = world.networks()[0]
    teacher = make_pipeline(
        scaler,
        FrozenEstimator(representer),
        HiddenClusterer(64, random_state=world.seed),
        ClusterBudgetAllocator(random_state=world.seed),
    )
    served = DistilledAllocator(teacher, random_state=world.seed)
    served.fit(train.data, train.target, treatment=train.treatment, cost=train.cost)
    return served.predict_budgets


def best_single_arm(world):
    """Give the best arm to as many, drawn at random, as the budget pays for."""
    train = world.train
    response, cost = arm_means(train)

    def decide(X, budgets):
        places = np.random.default_rng(world.seed).permutation(len(X)) / len(X)
        for budget in budgets:
            share = np.minimum(1.0, budget / np.maximum(cost, 1e-12))
            best = (share * (response - response[0])).argmax()
            yield np.where(places < share[best], train.treatments[best], train.treatments[0])

    return decide


# These use the networks of a world, which are trained once.
ON_NETWORKS = ("HRC, K = 64, student", "maq, on our networks")
# Name of the method: the module that it needs, and the function that fits it.
POLICIES = {
    "HRC, K = 64, student": ("sklearn_hrc", student),
    "best single arm": ("sklearn_hrc", best_single_arm),
    "causalml, S-learner": ("causalml", causalml("S")),
    "causalml, T-learner": ("causalml", causalml("T")),
    "causalml, X-learner": ("causalml", causalml("X")),
    "causalml, R-learner": ("causalml", causalml("R")),
    "causalml, DR-learner": ("causalml", causalml("DR")),
    "econml, SLearner": ("econml", econml(s_learner_of_econml)),
    "econml, LinearDML": ("econml", econml(linear_dml)),
    "econml, DRLearner": ("econml", econml(dr_learner)),
    "econml, CausalForestDML": ("econml", econml(causal_forest)),
    "scikit-uplift, SoloModel": ("sklift", scikit_uplift),
    "maq, on our networks": ("maq", maq),
    "lightgbm, arm as feature": ("lightgbm", regression),
    "lightgbm, our clusters, K = 256": ("lightgbm", clusters_of_regression),
}
