"""How many rows the next experiment needs, and what a share of random arms costs."""

from sklearn_hrc.design._design_experiment import design_experiment
from sklearn_hrc.design._held_back import HeldBack
from sklearn_hrc.design._result import ExperimentDesign

__all__ = ["ExperimentDesign", "HeldBack", "design_experiment"]
