"""What decisions are worth, as losses that networks can learn from.

The functions take tensors of torch and return tensors. Each individual gets every arm with a share
of its own. Shares sum to one over the arms.
"""

__all__ = [
    "direct_return_loss",
    "entropy_of",
    "policy_learning_loss",
    "primal_loss",
    "received_part",
    "shares_at_price",
]

# Least share whose logarithm is taken.
LEAST_SHARE = 1e-12


def shares_at_price(response, cost, price, temperature):
    """Return the softmax of what arms are worth at a price.

    These are the shares of the largest worth plus `temperature` times entropy.

    Parameters
    ----------
    response, cost : Tensor of shape (..., n_rows, n_treatments)
        Predictions.
    price : Tensor, a scalar or of shape (n_rows,)
        Of a unit of cost.
    temperature : Tensor, a scalar or of shape (n_rows,)
        In units of response. Towards 0 the best arm at the price gets all.

    Returns
    -------
    shares : Tensor of shape (..., n_rows, n_treatments)
        Positive, with sums of one.
    """
    worth = response - price[..., None] * cost
    return (worth / temperature[..., None]).softmax(-1)


def received_part(values, arm):
    """Return the entry of the arm that each row received.

    Parameters
    ----------
    values : Tensor of shape (..., n_rows, n_treatments)
        An entry for every arm.
    arm : Tensor of shape (n_rows,), int64
        Received arms.

    Returns
    -------
    received : Tensor of shape (..., n_rows)
        Entries.
    """
    return values.gather(-1, arm.expand(values.shape[:-1])[..., None])[..., 0]


def entropy_of(shares):
    """Return the entropy of the shares of each row, in nats."""
    return -(shares * shares.clamp(min=LEAST_SHARE).log()).sum(-1)


def policy_learning_loss(shares, response, cost, inverse, price):
    """Return the loss of each row whose mean estimates the response less the priced cost.

    That is minus the value of the policy by inverse propensities. A function of the features can
    be taken from the response or the cost first: the mean of its part does not depend on shares
    that sum to one over the arms.

    Parameters
    ----------
    shares : Tensor of shape (..., n_rows)
        Of the received arm.
    response, cost : Tensor of shape (..., n_rows)
        Observed.
    inverse : Tensor of shape (n_rows,)
        Inverse propensities.
    price : float
        Of a unit of cost.

    Returns
    -------
    losses : Tensor of shape (..., n_rows)
        Minus the worth.
    """
    return -inverse * (response - price * cost) * shares


def primal_loss(shares, response, inverse):
    """Return the loss of each row whose mean estimates the response.

    The cost enters by the price alone at which the shares were made, which is one that keeps the
    budget.

    Parameters
    ----------
    shares, response, inverse : Tensor
        As in `policy_learning_loss`.

    Returns
    -------
    losses : Tensor of shape (..., n_rows)
        Minus the response.
    """
    return -inverse * response * shares


def direct_return_loss(score, response, cost, sign):
    """Return the loss of each row that is least where `sigmoid(score)` is the return on cost.

    Its mean is convex in a score of all rows, and its slope is zero where the sigmoid is the
    effect on the response over that on the cost.

    Parameters
    ----------
    score : Tensor of shape (..., n_rows, n_steps)
        Of the step from one arm to the next.
    response, cost : Tensor of shape (n_rows, n_steps)
        Observed, in units that put the returns between 0 and 1.
    sign : Tensor of shape (n_rows, n_steps)
        The inverse propensity of a row that received the arm after a step, minus that of a row
        that received the one before it, and zero for other rows.

    Returns
    -------
    losses : Tensor of shape (..., n_rows)
        Sums over the steps.
    """
    log_of_rest = -score.logaddexp(score.new_zeros(()))
    return -(sign * (response * score + cost * log_of_rest)).sum(-1)
