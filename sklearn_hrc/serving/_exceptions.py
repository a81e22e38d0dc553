"""What can be wrong with a folder, and with a row that is to be decided."""

__all__ = ["FeatureError", "PolicyFolderError"]


class PolicyFolderError(ValueError):
    """A folder does not hold a policy that this version can serve."""


class FeatureError(ValueError):
    """A row has no value of a feature, or one that the policy does not know.

    Parameters
    ----------
    feature : str
        Name of the feature.
    message : str
        What is wrong with its value.
    """

    def __init__(self, feature: str, message: str) -> None:
        super().__init__(message)
        self.feature = feature
