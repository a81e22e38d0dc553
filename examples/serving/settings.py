"""Settings of the service, from environment variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """What a service is started with.

    Attributes
    ----------
    policy : str
        Folder that `export_policy` wrote.
    name : str
        Name of the model in `/v2`.
    budget : float or None
        Mean budget at the start. None: that of the folder.
    exploration : float
        Share of decisions that are drawn by chance.
    seed : int or None
        Seed of these draws.
    token : str
        What `PUT /budget` and `POST /reload` ask for. Empty: both are refused.
    log : str
        File of the decision log. Empty: there is none.
    log_every : int
        Records between two fsyncs.
    log_seconds : float
        Seconds between two fsyncs.
    body_seconds : float
        Seconds within which a body has to come whole.
    max_bytes : int
        Largest body.
    max_rows : int
        Most rows in one request.
    """

    policy: str
    name: str = "policy"
    budget: float | None = None
    exploration: float = 0.0
    seed: int | None = None
    token: str = ""
    log: str = ""
    log_every: int = 1000
    log_seconds: float = 1.0
    body_seconds: float = 10.0
    max_bytes: int = 1_000_000
    max_rows: int = 1000

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables that start with `SKLEARN_HRC_`.

        Raises
        ------
        ValueError
            If the folder is not named, or a variable is no number where one is expected.
        """
        if not environment.get("SKLEARN_HRC_POLICY"):
            raise ValueError(
                "SKLEARN_HRC_POLICY is expected to name the folder of a policy, got nothing."
            )
        given = {}
        for field, read in _READERS.items():
            variable = f"SKLEARN_HRC_{field.upper()}"
            if text := environment.get(variable, ""):
                given[field] = _value(read, text, variable)
        return cls(**given)


def _value(read, text, variable):
    try:
        return read(text)
    except ValueError:
        kind = "a whole number" if read is _whole else "a number"
        raise ValueError(f"{variable} is expected to be {kind} from 0, got {text!r}.") from None


def _whole(text):
    return int(_from_zero(int(text)))


def _number(text):
    return _from_zero(float(text))


def _from_zero(number):
    if not 0 <= number < float("inf"):
        raise ValueError
    return number


_READERS = {
    "policy": str,
    "name": str,
    "budget": _number,
    "exploration": _number,
    "seed": _whole,
    "token": str,
    "log": str,
    "log_every": _whole,
    "log_seconds": _number,
    "body_seconds": _number,
    "max_bytes": _whole,
    "max_rows": _whole,
}
