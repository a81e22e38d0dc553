"""Whether figures can be trusted at all: columns that tell which arm a person got."""

__all__ = ["draw_is_off", "draw_sentences", "telling_columns", "what_tells", "what_to_do"]

# A p-value below the first says that no figure holds, which one sound experiment in ten thousand
# is told. Below the second one, the doubt is said among others.
LEVEL, DOUBT = 1e-4, 0.01
_MOST_NAMED = 3


def draw_is_off(randomisation):
    """Return whether features tell the arm, from the check of the draw, which may be None."""
    return randomisation is not None and bool(randomisation.p_value < LEVEL)


def telling_columns(randomisation):
    """Return the columns that tell the arm by themselves, the clearest first.

    Parameters
    ----------
    randomisation : Bunch
        Result of `check_randomisation`.

    Returns
    -------
    columns : list of str
        Names without the value of a category. Empty where only several columns together tell the
        arm.
    """
    features = randomisation.features
    limit = DOUBT / max(len(features["feature"]), 1)
    told = [name for name, p in zip(features["feature"], features["p_value"]) if p < limit]
    return list(dict.fromkeys(_column(str(name)) for name in told))


def draw_sentences(randomisation):
    """Say that no figure holds where features tell the arm, or that this is in doubt.

    Parameters
    ----------
    randomisation : Bunch or None
        Result of `check_randomisation`.

    Returns
    -------
    sentences : list of str
        Empty where nothing is off.
    """
    if randomisation is None or randomisation.p_value >= DOUBT:
        return []
    if not draw_is_off(randomisation):
        return [randomisation.conclusion]
    columns = telling_columns(randomisation)
    return [
        f"Do not decide by these figures: {what_tells(columns)}.",
        what_to_do(columns),
        randomisation.conclusion,
    ]


def what_tells(columns):
    """Say which columns tell the arm, and what that means.

    Parameters
    ----------
    columns : list of str
        Names as readers know them.

    Returns
    -------
    words : str
        A part of a sentence.
    """
    if not columns:
        return (
            "the columns together tell which arm a person got, so the arms were not drawn by "
            "chance, or a column was recorded afterwards"
        )
    tell, were = ("tells", "it was") if len(columns) == 1 else ("tell", "they were")
    return (
        f"{_named(columns)} {tell} which arm a person got, so {were} recorded afterwards or the "
        "arms were not drawn by chance"
    )


def what_to_do(columns):
    """Say how to get figures that hold.

    Parameters
    ----------
    columns : list of str
        Names as the table has them.

    Returns
    -------
    sentence : str
        With a further way where the odds were known.
    """
    left_out = "the columns that were not known before the treatment"
    if columns:
        left_out = f"what was recorded afterwards, by ignore={columns[:_MOST_NAMED]},"
    return (
        f"Leave out {left_out} and evaluate again; where the odds of the arms differed between "
        "people, pass propensity."
    )


def _named(columns):
    """Name columns, a few of them."""
    named = [repr(name) for name in columns[:_MOST_NAMED]]
    if len(columns) > _MOST_NAMED:
        named.append(f"{len(columns) - _MOST_NAMED} more")
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def _column(feature):
    """Return the column of a feature that stands for one of its values."""
    return feature.partition(" = ")[0].removesuffix(" is missing")
