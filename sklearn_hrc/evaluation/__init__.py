"""What an experiment says of a policy, in one call."""

from sklearn_hrc.evaluation._evaluate import evaluate
from sklearn_hrc.evaluation._promised_value import promised_value
from sklearn_hrc.evaluation._result import Evaluation

__all__ = ["Evaluation", "evaluate", "promised_value"]
