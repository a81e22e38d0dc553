"""Parameters that policies of networks share."""

from numbers import Integral, Real

from sklearn_hrc._compat import Interval, StrOptions
from sklearn_hrc.rivals._budgeted import SHARED_CONSTRAINTS

__all__ = ["CONSTRAINTS", "check_widths"]

CONSTRAINTS: dict = SHARED_CONSTRAINTS | {
    "hidden_layer_sizes": ["array-like"],
    "n_networks": [Interval(Integral, 1, None, closed="left")],
    "max_epochs": [Interval(Integral, 1, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "lr": [Interval(Real, 0, None, closed="neither")],
}


def check_widths(hidden_layer_sizes):
    """Raise where the widths of layers are not whole and positive.

    Parameters
    ----------
    hidden_layer_sizes : sequence
        Widths.
    """
    widths = list(hidden_layer_sizes)
    if not widths or not all(isinstance(width, Integral) and width > 0 for width in widths):
        raise ValueError(
            f"hidden_layer_sizes is expected to hold positive integers, got {hidden_layer_sizes!r}."
        )
