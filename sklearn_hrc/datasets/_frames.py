"""Import of pandas, which is optional and needed only for frames."""

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
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            f'{caller} requires pandas: install it with pip install "sklearn-hrc[data]".'
        ) from error
    return pandas
