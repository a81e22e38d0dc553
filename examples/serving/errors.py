"""What is wrong with a request: a status, a sentence, and the field that it is about."""

__all__ = ["RequestError"]


class RequestError(Exception):
    """A request that is answered by a sentence.

    Attributes
    ----------
    status : int
        Of HTTP.
    field : str or None
        What the sentence is about.
    """

    def __init__(self, status: int, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.field = status, field
