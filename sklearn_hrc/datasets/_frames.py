"""Import of pandas, which is optional and needed only for frames."""

from sklearn_hrc._extras import import_from_extra

__all__ = ["import_pandas"]


def import_pandas(caller):
    """Return the module pandas, or raise an error that says how to install it.

    Parameters
    ----------
    caller : str
        Name of the function that needs pandas, for the message.

    Returns
    -------
    pandas : module
        The imported module.
    """
    return import_from_extra("pandas", caller, "data")
