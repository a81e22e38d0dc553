"""Scales that a few extreme values do not set."""

import numpy as np

from sklearn_hrc.plotting._text import percent

__all__ = ["block_limits", "cut_blocks", "loss_limit"]

# Percent of the individuals whose blocks do not set a scale, where they are much higher than all
# others.
TINY, MUCH = 1.0, 1.5
# A share of the losses, and how much further than these a scale reaches.
MOST, FURTHER = 0.9, 3.0


def block_limits(heights, widths):
    """Ends of a scale of blocks.

    Parameters
    ----------
    heights, widths : ndarray of shape (n_blocks,)
        Heights, and widths in percent of the individuals.

    Returns
    -------
    low, high : float
        Zero or less, and zero or more. Blocks beyond them are tiny.
    """
    usual = [_usual_end(sign * heights, widths) for sign in (-1, 1)]
    highest = [max((sign * heights).max(), 0.0) for sign in (-1, 1)]
    enough = MUCH * max(usual)
    low, high = (
        whole if enough == 0 or whole <= enough else end for whole, end in zip(highest, usual)
    )
    return -low, high


def _usual_end(heights, widths):
    """The highest block, without the highest ones that are tiny together."""
    order = np.argsort(-heights, kind="stable")
    above = np.cumsum(widths[order])
    return max(heights[order[np.searchsorted(above, TINY)]], 0.0) if above[-1] > TINY else 0.0


def cut_blocks(ax, places, heights, widths, what):
    """Limit the scale of blocks, point at blocks that are higher, and say what they are.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes with the blocks.
    places, heights, widths : ndarray of shape (n_blocks,)
        Left ends, heights and widths.
    what : str
        What the heights are.

    Returns
    -------
    notes : list of str
        A sentence for each end that is cut.
    """
    low, high = block_limits(heights, widths)
    margin = 0.05 * (high - low)
    notes, limits, inverted = [], sorted(ax.get_ylim()), ax.yaxis_inverted()
    for k, (end, beyond, worst, word) in enumerate(
        ((low, heights < low, heights.min(), "down"), (high, heights > high, heights.max(), "up"))
    ):
        if not beyond.any():
            continue
        limits[k] = end + (margin if k else -margin)
        up = bool(k) != inverted
        middle = (places + widths / 2)[beyond]
        edge = np.full(len(middle), limits[k])
        ax.plot(middle, edge, "^" if up else "v", color="black", markersize=4.5, clip_on=False)
        part = widths[beyond].sum() / 100
        sign = "\u25b2" if up else "\u25bc"
        notes.append(f"{sign} cut: {percent(part, 1)} of individuals, {what} {word} to {worst:.3g}")
    if notes:
        ax.set_ylim(limits[::-1] if inverted else limits)
    return notes


def loss_limit(losses):
    """Upper end of a scale of losses.

    Parameters
    ----------
    losses : ndarray
        Losses, NaN where there is none.

    Returns
    -------
    limit : float or None
        The end, or None where all losses fit in.
    """
    known = losses[np.isfinite(losses)]
    if not len(known):
        return None
    least, most = known.min(), np.quantile(known, MOST)
    limit = least + FURTHER * (most - least)
    return float(limit) if most > least and known.max() > MUCH * limit - 0.5 * least else None
