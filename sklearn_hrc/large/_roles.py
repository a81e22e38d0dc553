"""Which column of a table is what."""

from typing import NamedTuple

__all__ = ["Roles"]


class Roles(NamedTuple):
    """Names of columns by what they hold.

    Attributes
    ----------
    outcome : list of str
        Columns of `y`.
    metadata : dict of str
        Column of each array of `fit`: "treatment", "cost", "groups", ...
    key : list of str
        Columns that tell a row from all others. Empty: all columns together.
    features : list of str
        Columns of `X`.
    """

    outcome: list
    metadata: dict
    key: list
    features: list

    @property
    def columns(self):
        """All columns that are read, each once."""
        names = [*self.features, *self.outcome, *self.metadata.values(), *self.key]
        return list(dict.fromkeys(names))

    @property
    def named(self):
        """Columns by parameter, but for those of the key, which may be others of them, too."""
        named = [(name, "outcome") for name in self.outcome]
        named += [(name, parameter) for parameter, name in self.metadata.items()]
        return named + [(name, "features") for name in self.features]

    @property
    def numbers(self):
        """Columns that need a number in every row, by parameter."""
        named = [(name, "outcome") for name in self.outcome]
        numeric = ("cost", "propensity", "sample_weight")
        return named + [(self.metadata[role], role) for role in numeric if role in self.metadata]
