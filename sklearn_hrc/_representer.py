"""The multi-task representation network as a scikit-learn transformer."""

import copy
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._cells.moments import add, empty
from sklearn_hrc._chunks import chunks
from sklearn_hrc._columns import Columns, column_names
from sklearn_hrc._compat import Interval, StrOptions, fit_context
from sklearn_hrc._experiment import (
    check_experiment,
    check_groups,
    restore_on_error,
    take_rows,
)
from sklearn_hrc._html import Summary, SummaryMixin, Table, number
from sklearn_hrc._metadata import FitMetadataMixin
from sklearn_hrc._predictor.encoding import encode, fit_encoding
from sklearn_hrc._predictor.folds import (
    check_arm_sizes,
    resolve_batch_size,
    resolve_n_networks,
    train_networks,
)
from sklearn_hrc._predictor.predictor import (
    MEMBERS,
    NetworkModel,
    expected_outcomes,
    fit_predictor,
    predict,
    representation,
)
from sklearn_hrc._predictor.projection import fit_projection
from sklearn_hrc._predictor.representation import FORWARD_ROWS, Representation, represent
from sklearn_hrc._predictor.rows import network_arrays, training_rows
from sklearn_hrc._predictor.slopes import describe_slopes, effect_slopes
from sklearn_hrc._propensity import warn_of_propensity
from sklearn_hrc._randomisation import warn_of_dependence
from sklearn_hrc._tables import check_features
from sklearn_hrc._warning import warn

__all__ = ["MultiTaskRepresenter"]


class MultiTaskRepresenter(SummaryMixin, FitMetadataMixin, TransformerMixin, BaseEstimator):
    """Learn a hidden representation of individuals from a randomised experiment.

    Several multi-task networks are trained side by side, each without one fold of the
    rows, which says which of its weights are kept. Tasks are the columns of `y` and,
    where given, the `cost`. A task is learnt in components that have losses of their
    own: a chance (logistic) and an amount given that it is positive (gamma deviance) where
    zeros are frequent, a positive value (quasi-Poisson) where they are rare, squared error
    for values with both signs. Chances that agree are one component: an order is
    a redemption. So are amounts that have a fixed rate in each arm, as a discount has of
    the basket. Where a task, a chance or an amount is constant in an arm, as with
    a free control or a fixed price, it is predicted as that constant.

    A network has a shared trunk, of two layers by default, and for every
    component a head `base(h) + direction_j * common(h) + own_j(h)` for arm `j`, with
    linear parts. Only the received arm enters the loss. Its inputs are the ranks of the
    features, half of each rank as a normal score, or the features themselves where they
    have few values. So units and outliers do not matter, and tails are kept apart. Its
    weights are moving averages over the steps.

    Beside the networks stands a partially pooled additive model. It is generalised linear
    in the value, the rank and bends of the rank of each feature. Each arm has coefficients
    of its own, which a prior draws together as far as the data allows (empirical Bayes).
    Boosted effect trees find what only several features together tell. All are combined on
    the link scale, with weights for what the arms have in common and for effects, which are
    fitted to rows that a model did not see. Then components learn of each other. The hidden
    representation H are the leading principal components of the hidden layers and of the
    combined links.

    This is the first step of HRC [1]_. What is not in the abstract of that
    paper is this package's choice: losses, heads, widths, the use of several networks, the
    other members and how all are combined.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(64, 32)
        Widths of the trunk's layers. The last is the hidden representation.
    n_networks : int, default=5
        Number of networks. Fewer on few rows, see `n_networks_`.
    n_components : int, default=32
        Principal components of the hidden layers and combined links that `transform`
        gives. Fewer on few rows, see `n_components_`.
    outcomes : bool, default=True
        Append the expected outcomes Q to the hidden representation H, as the
        clusterer and the allocator expect them, and before Q by how much the models
        without each of the folds deviate, from which the allocator knows how uncertain Q is.
    members : sequence of {"pooled", "boosted"}, default=("pooled", "boosted")
        What the networks are combined with: the partially pooled additive model, boosted
        effect trees. Without any the networks serve alone.
    max_epochs : int, default=60
        Passes over the rows, at most.
    batch_size : int or "auto", default="auto"
        Rows that a network learns from in a step; "auto" is 512, or 1024 from 60,000 rows on.
    lr : float, default=2e-3
        Learning rate of AdamW. Halved when the held-out loss stalls.
    device : str, default="auto"
        Device that trains, as torch names it; "auto" takes a GPU if there is
        one. On the CPU it trains on one thread. Prediction is always on the
        CPU.
    random_state : int, RandomState instance or None, default=None
        Folds, initial weights and the order of the rows.
    verbose : int, default=0
        1 shows a progress bar over the epochs.

    Attributes
    ----------
    treatments_ : ndarray of shape (n_treatments,)
        Treatment labels, sorted or in the order of an ordered pandas Categorical.
    task_names_ : list of str
        Names of the tasks, `cost` last where it was given.
    n_networks_, n_components_ : int
        Resolved values.
    networks_ : list of Network
        Weights of the fitted networks, as numpy arrays.
    history_ : list of list of dict
        For every network and epoch, `train_loss` and `valid_loss`. All networks have the
        same epochs.
    effect_slopes_ : EffectSlopes or None
        Slopes of held-out outcomes and cost on the expected effects: 1 if expected effects
        differ between individuals as true ones do, 0 if what they say of individuals is
        noise. A named tuple of `slope` and its standard `error`, each of shape (n_treatments,
        n_tasks), and of `overall_slope` and `overall_error` for all arms, of shape
        (n_tasks,). None where too few rows are there to hold any out.
    explained_variance_ratio_ : ndarray of shape (n_components,)
        Share of the variance of hidden layers and links in each component of H.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features, if `X` has string names.

    See Also
    --------
    HiddenClusterer : Clusters the representation.

    References
    ----------
    .. [1] Hidden Representation Clustering for marketing budget allocation,
       `arXiv:2506.00959 <https://arxiv.org/abs/2506.00959>`_.

    Examples
    --------
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_hrc import MultiTaskRepresenter
    >>> from sklearn_hrc.datasets import make_coupon_experiment
    >>> experiment = make_coupon_experiment(500, n_treatments=3, random_state=0)
    >>> representer = MultiTaskRepresenter(n_networks=2, max_epochs=3, random_state=0)
    >>> representer = representer.fit(
    ...     scale(experiment.data), experiment.target,
    ...     treatment=experiment.treatment, cost=experiment.cost)
    >>> representer.predict_outcomes(scale(experiment.data)).shape
    (500, 3, 3)
    >>> representer.get_feature_names_out()[-3:]
    array(['y0@10', 'y1@10', 'cost@10'], dtype=object)
    """

    _parameter_constraints: dict = {
        "hidden_layer_sizes": ["array-like"],
        "n_networks": [Interval(Integral, 1, None, closed="left")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "outcomes": ["boolean"],
        "members": ["array-like"],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "device": [str],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (64, 32),
        *,
        n_networks: int = 5,
        n_components: int = 32,
        outcomes: bool = True,
        members: Sequence[str] = ("pooled", "boosted"),
        max_epochs: int = 60,
        batch_size: int | Literal["auto"] = "auto",
        lr: float = 2e-3,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.n_networks = n_networks
        self.n_components = n_components
        self.outcomes = outcomes
        self.members = members
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @restore_on_error
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        treatment: ArrayLike | None = None,
        cost: ArrayLike | None = None,
        propensity: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Train the networks and fit what they are combined with.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features in any units.
        y : array-like of shape (n_samples,) or (n_samples, n_outcomes)
            Outcomes, numeric. Every column is a task.
        treatment : array-like of shape (n_samples,), default=None
            Received arm; None means that there is one.
        cost : array-like of shape (n_samples,), default=None
            Realised cost of the received arm: a further task. It may be
            negative, as for an arm that earns a fee.
        propensity : array-like of shape (n_samples,), default=None
            Probability of the received arm, in (0, 1]. Checked only: outcomes
            are predicted given the features, which needs no reweighting.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the rows.
        groups : array-like of shape (n_samples,), default=None
            Label of the group of each row, such as a household or a customer with several
            rows. A group is held out as a whole, so that what is learnt of some of its rows is
            not judged by the others. None: every row is a group.

        Returns
        -------
        self : MultiTaskRepresenter
            Fitted representer.

        Raises
        ------
        DivergenceError
            If a loss is no number any more.
        ValueError
            If an input is not as described, or an arm has fewer rows than
            there are folds (`n_networks`, at least 5).

        Warns
        -----
        UserWarning
            If a task has one value in all rows, which is then predicted, if the features tell
            the arms, if an arm has few rows, if training was interrupted, or if a member failed
            and is left out.
        """
        widths = self._check_widths()
        self._check_members()
        aligned_with = {"X": X, "groups": groups}
        X = check_features(self, X)
        experiment = check_experiment(
            y,
            treatment=treatment,
            cost=cost,
            propensity=propensity,
            sample_weight=sample_weight,
            n_samples=len(X),
            aligned_with=aligned_with,
        )
        groups = check_groups(groups, len(X))
        weighted = experiment.sample_weight > 0
        if not weighted.all():
            X, experiment = X[weighted], take_rows(experiment, weighted)
            groups = None if groups is None else check_groups(groups[weighted], len(X))
        rng = check_random_state(self.random_state)
        self.treatments_ = experiment.treatments
        self.task_names_ = list(experiment.outcome_names)
        tasks = experiment.outcomes
        if experiment.cost is not None:
            if "cost" in experiment.outcome_names:
                raise ValueError(
                    "y is expected to have no column named 'cost' where cost is given, got "
                    f"{experiment.outcome_names}."
                )
            self.task_names_.append("cost")
            tasks = np.column_stack([tasks, experiment.cost])
        _warn_of_constants(tasks, self.task_names_)
        self._warn_if_not_random(X, experiment, groups, rng)
        self._train(X, tasks, experiment, groups, widths, rng)
        self._fit_components(X, experiment.sample_weight)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.floating]:
        """Represent individuals.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features, as in `fit`.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components + (n_networks + 1) * n_treatments * n_tasks)
            `[H | D | Q]`: the hidden representation, then (with `outcomes=True`) two
            parts more. Q are the expected outcomes, arm by arm, tasks within an arm in
            the order of `task_names_`. D has a block of the same layout for every fold:
            what the models without it expect, less the mean over the folds, so that the
            blocks sum to zero. With a single network there is no D.
        """
        return represent(self._check_features(X), self._representation)

    def predict_outcomes(self, X: ArrayLike) -> NDArray[np.floating]:
        """Predict what every arm would give.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features, as in `fit`.

        Returns
        -------
        outcomes : ndarray of shape (n_samples, n_treatments, n_tasks)
            Expected outcomes and cost, in the units of the tasks.
        """
        X = self._check_features(X)
        shape = (len(X), len(self.treatments_), len(self.task_names_))
        outcomes = np.empty(shape, dtype=X.dtype)
        for rows in chunks(len(X), FORWARD_ROWS):
            outcomes[rows] = expected_outcomes(self._predict(X[rows]), self._predictor)
        return outcomes

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the columns of `transform`.

        Parameters
        ----------
        input_features : ignored
            Present by convention.

        Returns
        -------
        names : ndarray of shape (n_features_out,), object
            `hidden0`, `hidden1`, ..., then `task@arm-network0`, ... for the
            deviations of the networks and `task@arm` for the expected outcomes.
        """
        check_is_fitted(self)
        names = column_names(self._columns, self.treatments_, self.task_names_)
        return np.asarray(names, dtype=object)

    def describe_effects(self) -> list[str]:
        """Say whether held-out rows bear out that arms do more for some than for others.

        Returns
        -------
        sentences : list of str
            One for each task, with the slope of `effect_slopes_` for all arms. Empty where no
            rows were held out.
        """
        check_is_fitted(self)
        if self.effect_slopes_ is None:
            return []
        return describe_slopes(self.effect_slopes_, self.task_names_)

    @property
    def _columns(self):
        """Layout of what `transform` gives."""
        if not self.outcomes:
            return Columns(self.n_components_)
        # A single network has nothing to deviate from.
        n_networks = self.n_networks_ if self.n_networks_ > 1 else 0
        shape = len(self.treatments_), len(self.task_names_)
        return Columns(self.n_components_, n_networks, *shape)

    @property
    def _representation(self):
        """What represents individuals, as plain arrays."""
        return Representation(self._encoding, self._predictor, self._projection, self._columns)

    def __sklearn_tags__(self) -> Tags:
        """Tags: a target is required, floats are preserved, training is random."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.non_deterministic = self.random_state is None
        return tags

    def _summary(self) -> Summary:
        facts = [
            ("networks", number(self.n_networks_)),
            ("tasks", ", ".join(self.task_names_)),
            ("arms", ", ".join(map(str, self.treatments_))),
            ("hidden components", number(self.n_components_)),
        ]
        if self.effect_slopes_ is not None:
            facts += [("effects", line) for line in self.describe_effects()]
        caption = f"networks {self.n_networks_}, tasks {len(self.task_names_)}"
        return Summary(caption, [Table(facts)])

    def _check_widths(self):
        widths = list(self.hidden_layer_sizes)
        if not widths or not all(isinstance(width, Integral) and width > 0 for width in widths):
            raise ValueError(
                f"hidden_layer_sizes is expected to hold positive integers, got "
                f"{self.hidden_layer_sizes!r}."
            )
        return widths

    def _check_members(self):
        names = list(self.members)
        if not set(names) <= MEMBERS.keys() or len(set(names)) < len(names):
            raise ValueError(
                f"members is expected to hold some of {', '.join(map(repr, MEMBERS))}, each once, "
                f"got {self.members!r}."
            )

    def _check_features(self, X):
        check_is_fitted(self)
        return check_features(self, X, reset=False)

    def _warn_if_not_random(self, X, experiment, groups, rng):
        """Warn where arms can be told from features or propensities are those of another arm."""
        warn_of_propensity(experiment, groups)
        warn_of_dependence(
            X,
            experiment.arm,
            experiment.treatments,
            # A copy, so that what is trained does not depend on the draw.
            copy.deepcopy(rng),
            propensity=experiment.propensity,
            unit=groups,
            names=getattr(self, "feature_names_in_", None),
        )

    def _train(self, X, tasks, experiment, groups, widths, rng):
        """Train the networks on the components of the tasks, and fit the predictor."""
        n_models = resolve_n_networks(self.n_networks, len(X))
        check_arm_sizes(experiment.arm, n_models, self.treatments_)
        self._encoding = fit_encoding(X, experiment.sample_weight)
        rows = training_rows(X, tasks, experiment, groups, self._encoding, n_models, rng)
        self.networks_, self.history_ = train_networks(
            network_arrays(rows),
            rows.fold,
            n_models,
            rng,
            verbose=self.verbose,
            n_treatments=len(self.treatments_),
            kind=rows.components.kind,
            hidden_layer_sizes=widths,
            max_epochs=self.max_epochs,
            batch_size=resolve_batch_size(self.batch_size, len(X)),
            lr=self.lr,
            device=self.device,
        )
        self.n_networks_ = n_models
        self._predictor, held_out = fit_predictor(
            rows,
            NetworkModel(self._encoding, self.networks_),
            self.members,
            rng.randint(np.iinfo(np.int32).max),
        )
        self.effect_slopes_ = None
        if held_out is not None:
            index, *expected = held_out
            self.effect_slopes_ = effect_slopes(
                *expected,
                tasks[index],
                experiment.arm[index],
                experiment.sample_weight[index],
                None if groups is None else groups[index],
                len(self.treatments_),
            )

    def _fit_components(self, X, sample_weight):
        """Principal axes of the representation."""
        source = self._predictor.components.source
        n_columns = sum(network.base[0].shape[1] for network in self.networks_) + source.size
        moments = empty(1, n_columns)
        for rows in chunks(len(X), FORWARD_ROWS):
            values = representation(self._predict(X[rows]))
            moments = add(moments, np.zeros(len(values), dtype=int), values, sample_weight[rows])
        self.n_components_ = min(self.n_components, n_columns, len(X))
        self._projection = fit_projection(moments, self.n_components_, source.size)
        self.explained_variance_ratio_ = self._projection.variance_ratio

    def _predict(self, X):
        return predict(encode(X, self._encoding), self._predictor)


def _warn_of_constants(tasks, names):
    if len(tasks) < 2:
        return
    constant = [name for name, same in zip(names, (tasks == tasks[0]).all(axis=0)) if same]
    if constant:
        warn(
            f"Nothing is learnt of {', '.join(constant)}: it has one value in all rows.",
        )
