"""The predictor: members that are fitted to the same folds and combined.

The networks give the hidden representation, and are a member. The other members are the partially
pooled additive model and boosted effect trees. A further member is one file and a line in
`MEMBERS`. The file has a function of `TrainingRows`, the networks and a seed. What this function
returns has a method `links`, and a method `prior` for the prior means of its weights.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._predictor.effect_trees import fit_effect_trees
from sklearn_hrc._predictor.encoding import Encoding, own_columns
from sklearn_hrc._predictor.forward import hidden_layer, link_predictions
from sklearn_hrc._predictor.pooled import fit_pooled
from sklearn_hrc._predictor.slopes import held_out_outcomes
from sklearn_hrc._predictor.stack import Stack, combine, default_stack, fit_stack
from sklearn_hrc._predictor.tasks import Components, to_outcomes
from sklearn_hrc._warning import warn

__all__ = [
    "MEMBERS",
    "NetworkModel",
    "Prediction",
    "Predictor",
    "deviations",
    "deviations_and_outcomes",
    "expected_outcomes",
    "fit_predictor",
    "predict",
    "representation",
]


# For each member the function that fits it to rows, networks and a seed, and a name for messages.
MEMBERS = {
    "pooled": (lambda rows, networks, seed: fit_pooled(rows), "partially pooled model"),
    "boosted": (fit_effect_trees, "boosted effect trees"),
}


class NetworkModel(NamedTuple):
    """The networks as a member of the predictor.

    Attributes
    ----------
    encoding : Encoding
        Says which of the columns are inputs of the networks.
    networks : list of Network
        A network for each fold.
    """

    encoding: Encoding
    networks: list

    def prior(self):
        """Return the prior means of the weights: effects count as far as held-out rows show."""
        return 1.0, 0.0

    def hidden(self, columns):
        """Return the hidden layer of each network, a list."""
        inputs = own_columns(columns, self.encoding)
        return [hidden_layer(inputs, network) for network in self.networks]

    def links(self, columns, hidden=None):
        """Return links of shape (n_models, n_samples, n_treatments, n_components)."""
        hidden = self.hidden(columns) if hidden is None else hidden
        return np.array([link_predictions(*pair) for pair in zip(hidden, self.networks)])


class Predictor(NamedTuple):
    """Fitted members and their weights.

    Attributes
    ----------
    networks : NetworkModel
        Networks, with the hidden layers. They stand last in the stack.
    others : list
        Members beside the networks.
    stack : Stack
        Weights of the members.
    components : Components
        Description of the tasks.
    """

    networks: NetworkModel
    others: list
    stack: Stack
    components: Components


class Prediction(NamedTuple):
    """Predictions of the members for some rows.

    Attributes
    ----------
    hidden : list of ndarray of shape (n_samples, n_hidden)
        Hidden layer of each network.
    links : list of ndarray of shape (n_models, n_samples, n_treatments, n_components)
        Links of each member.
    combined : ndarray of shape (n_samples, n_treatments, n_components)
        Combined links of all members.
    """

    hidden: list
    links: list
    combined: np.ndarray


def fit_predictor(rows, networks, members, random_state):
    """Fit the other members and combine all members.

    Parameters
    ----------
    rows : TrainingRows
        Rows in folds.
    networks : NetworkModel
        Networks that were trained on these folds.
    members : sequence of str
        Names of `MEMBERS` beside the networks.
    random_state : int
        Seed of the random steps of the members.

    Returns
    -------
    predictor : Predictor
        Fitted members, without those that failed.
    held_out : tuple or None
        Result of `held_out_outcomes`, or None if no rows were held out.

    Warns
    -----
    UserWarning
        If a member failed.
    """
    others = []
    for name in members:
        fit, title = MEMBERS[name]
        try:
            others.append(fit(rows, networks, random_state))
        except np.linalg.LinAlgError as error:
            warn(f"Left out: the {title} failed. {error}")
    members = [*others, networks]
    if (rows.fold < rows.n_models).any():
        stack, alone = fit_stack(members, rows)
        held_out = held_out_outcomes(rows, members, alone)
    else:
        stack, held_out = default_stack(members, rows.components.source), None
    return Predictor(networks, others, stack, rows.components), held_out


def predict(columns, predictor):
    """Return the predictions of all members for individuals.

    Parameters
    ----------
    columns : ndarray of shape (n_samples, 1 + n_columns)
        Columns of the encoding.
    predictor : Predictor
        As fitted.

    Returns
    -------
    prediction : Prediction
        Predictions in the dtype of `columns`.
    """
    hidden = predictor.networks.hidden(columns)
    links = [member.links(columns) for member in predictor.others]
    links.append(predictor.networks.links(columns, hidden))
    combined = combine([part.mean(axis=0) for part in links], predictor.stack)
    return Prediction(hidden, links, combined)


def representation(prediction):
    """Return the hidden layers and the combined links side by side."""
    return np.hstack(
        [*prediction.hidden, prediction.combined.reshape(len(prediction.combined), -1)]
    )


def expected_outcomes(prediction, predictor):
    """Return expected outcomes of shape (n_samples, n_treatments, n_tasks)."""
    return to_outcomes(prediction.combined, predictor.components)


def deviations_and_outcomes(prediction, predictor):
    """Return the deviation of each model from the mean, then the expected outcomes.

    Parameters
    ----------
    prediction : Prediction
        Predictions for some rows.
    predictor : Predictor
        As fitted.

    Returns
    -------
    beside : ndarray of shape (n_samples, n_deviations, n_treatments, n_tasks)
        The deviations, which sum to zero. A single model has none.
    together : ndarray of shape (n_samples, n_treatments, n_tasks)
        The expected outcomes.
    """
    together = expected_outcomes(prediction, predictor)
    n_models = len(prediction.links[0])
    if n_models == 1:
        return np.empty((len(together), 0, *together.shape[1:])), together
    alone = np.empty((n_models, *together.shape), dtype=together.dtype)
    for m in range(n_models):
        combined = combine([part[m] for part in prediction.links], predictor.stack)
        alone[m] = to_outcomes(combined, predictor.components)
    return deviations(alone).swapaxes(0, 1), together


def deviations(values):
    """Return each array less the mean of all, with exact zeros where all are the same."""
    # The mean of equal floats need not equal them, so subtract the first array before averaging.
    beside_first = values - values[0]
    return beside_first - beside_first.mean(axis=0)
