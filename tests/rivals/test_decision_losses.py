"""The losses by hand, and what they are least at."""

import numpy as np
import pytest
import torch

from sklearn_hrc.rivals._decision_losses import (
    direct_return_loss,
    entropy_of,
    policy_learning_loss,
    primal_loss,
    received_part,
    shares_at_price,
)
from sklearn_hrc.rivals._price_path import arms_at_price

# Three rows and two arms: worth at price 2 is 0 and ln 3, then 0 and 0, then 0 and -ln 3.
LN3 = float(np.log(3.0))
RESPONSE = torch.tensor([[0.0, 2.0 + LN3], [0.0, 2.0], [1.0, 3.0 - LN3]], dtype=torch.float64)
COST = torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
PRICE, ONE = torch.tensor(2.0), torch.tensor(1.0)
ARM = torch.tensor([1, 0, 1])
RECEIVED = torch.tensor([0.75, 0.5, 0.25])
SEEN = torch.tensor([4.0, 1.0, 2.0]), torch.tensor([1.0, 0.0, 2.0]), torch.tensor([2.0, 2.0, 4.0])


def test_shares_are_the_softmax_of_what_arms_are_worth():
    shares = shares_at_price(RESPONSE, COST, PRICE, ONE)
    np.testing.assert_allclose(shares, [[0.25, 0.75], [0.5, 0.5], [0.75, 0.25]])
    np.testing.assert_allclose(received_part(shares, ARM), [0.75, 0.5, 0.25])


def test_prices_and_temperatures_can_differ_between_rows():
    price, temperature = torch.tensor([2.0, 2.0, 3.0]), torch.tensor([0.5, 1.0, 1.0])
    shares = shares_at_price(RESPONSE.expand(2, 3, 2), COST, price, temperature)
    # Half the temperature squares the odds. A price of one more divides them by e.
    odds = shares[1, :, 1] / shares[1, :, 0]
    np.testing.assert_allclose(odds, [9, 1, np.exp(-1) / 3])


def test_policy_learning_loss_by_hand():
    loss = policy_learning_loss(RECEIVED, *SEEN, PRICE)
    # -2 (4 - 2 * 1) 0.75, -2 (1 - 0) 0.5, and -4 (2 - 2 * 2) 0.25.
    np.testing.assert_allclose(loss, [-3, -1, 2])


def test_primal_loss_by_hand():
    loss = primal_loss(RECEIVED, SEEN[0], SEEN[2])
    np.testing.assert_allclose(loss, [-6, -1, -2])


def test_entropy_by_hand():
    shares = torch.tensor([[0.5, 0.5], [1.0, 0.0], [0.25, 0.75]])
    expected = [np.log(2), 0, -0.25 * np.log(0.25) - 0.75 * np.log(0.75)]
    np.testing.assert_allclose(entropy_of(shares), expected, atol=1e-6)


def test_direct_return_loss_by_hand():
    score, sign = torch.tensor([[0.0], [LN3]]), torch.tensor([[2.0], [-1.0]])
    loss = direct_return_loss(score, torch.tensor([[3.0], [2.0]]), torch.ones(2, 1), sign)
    # -2 (3 * 0 - ln 2), and 2 ln 3 - ln 4.
    np.testing.assert_allclose(loss, [2 * np.log(2), 2 * LN3 - np.log(4)], rtol=1e-6)


def test_direct_return_loss_bears_large_scores():
    score = torch.tensor([[200.0], [-200.0]], requires_grad=True)
    loss = direct_return_loss(score, torch.ones(2, 1), torch.ones(2, 1), torch.ones(2, 1))
    loss.sum().backward()
    np.testing.assert_allclose(loss.detach(), [0, 200])
    assert torch.isfinite(score.grad).all()


@pytest.mark.parametrize("loss", ["policy_learning", "primal"])
def test_functions_of_the_features_leave_the_expected_gradient(loss):
    rng = np.random.default_rng(0)
    response, cost, predicted, base = (torch.from_numpy(rng.normal(size=(5, 3))) for _ in range(4))
    inverse = torch.full((5,), 3.0)

    def gradient(shift):
        scores = predicted.clone().requires_grad_()
        shares = shares_at_price(scores, cost, PRICE, ONE)
        # The expectation over the arms, each of which a row receives with a chance of 1/3.
        total = 0.0
        for arm in range(3):
            seen = shares[:, arm], response[:, arm] - shift
            if loss == "primal":
                total = total + primal_loss(*seen, inverse).sum() / 3
            else:
                seen = (*seen, cost[:, arm] - shift, inverse)
                total = total + policy_learning_loss(*seen, PRICE).sum() / 3
        return torch.autograd.grad(total, scores)[0]

    plain, centred = gradient(torch.zeros(5)), gradient(base[:, 0])
    assert plain.abs().max() > 0.1
    np.testing.assert_allclose(centred, plain, atol=1e-12)


def test_policy_learning_is_least_at_the_decisions_of_the_knapsack():
    rng = np.random.default_rng(1)
    response, cost = (
        torch.from_numpy(rng.normal(size=(20, 3))),
        torch.from_numpy(rng.random((20, 3))),
    )
    scores = torch.zeros(20, 3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([scores], lr=0.1)
    for _ in range(200):
        shares = shares_at_price(scores, torch.zeros_like(cost), PRICE, torch.tensor(0.1))
        worth = policy_learning_loss(shares.T, response.T, cost.T, torch.ones(20), PRICE)
        optimizer.zero_grad()
        worth.sum().backward()
        optimizer.step()
    knapsack = arms_at_price(response.numpy(), cost.numpy(), 2.0)
    np.testing.assert_array_equal(scores.detach().argmax(dim=1), knapsack)


def test_entropy_makes_the_loss_least_at_the_true_worth():
    rng = np.random.default_rng(2)
    response, cost = (
        torch.from_numpy(rng.normal(size=(20, 3))),
        torch.from_numpy(rng.random((20, 3))),
    )
    temperature = torch.tensor(0.7)

    def slope(scores, with_entropy):
        scores = scores.clone().requires_grad_()
        shares = shares_at_price(scores, cost, PRICE, temperature)
        loss = policy_learning_loss(shares.T, response.T, cost.T, torch.ones(20), PRICE).sum()
        if with_entropy:
            loss = loss - temperature * entropy_of(shares).sum()
        return torch.autograd.grad(loss, scores)[0].abs().max().item()

    assert slope(response, with_entropy=True) < 1e-12
    assert slope(response, with_entropy=False) > 0.1
    assert slope(response + response[:, :1] * cost, with_entropy=True) > 0.1


def test_a_constant_score_is_best_at_the_ratio_of_means():
    rng, n_rows = np.random.default_rng(3), 2000
    treated = np.arange(n_rows) % 2
    cost = treated * rng.gamma(2.0, 1.0, n_rows)
    response = rng.normal(5, 1, n_rows) + 0.4 * cost
    effects = [y[treated == 1].mean() - y[treated == 0].mean() for y in (response, cost)]
    parts = [torch.from_numpy(x[:, None]) for x in (response, cost, np.where(treated, 2.0, -2.0))]
    ratio = effects[0] / effects[1]
    best = float(np.log(ratio / (1 - ratio)))

    def mean_loss(score):
        return direct_return_loss(score.expand(n_rows, 1), *parts).mean()

    score = torch.tensor([best], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(mean_loss(score), score)
    assert abs(slope.item()) < 1e-12
    at_best, *others = (mean_loss(score + shift).item() for shift in (0, -0.1, 0.1, -5, 5))
    assert at_best < min(others)
