"""Who may change the budget and the policy."""

import hmac

from errors import RequestError
from fastapi import Request

__all__ = ["check_token"]


def check_token(request: Request) -> None:
    """Refuse a request without the token.

    The token is compared in a time that does not depend on where it differs.

    Raises
    ------
    RequestError
        403 if the service was started without a token, 401 if the request has another.
    """
    token = request.app.state.service.settings.token
    if not token:
        raise RequestError(403, "SKLEARN_HRC_TOKEN is expected to be set, got nothing.", "token")
    # Headers are read as Latin-1, so that this gives their bytes.
    given = request.headers.get("authorization", "").encode("latin-1")
    if not hmac.compare_digest(given, f"Bearer {token}".encode()):
        raise RequestError(
            401, "authorization is expected to be Bearer and the token, got another.", "token"
        )
