"""JSON Web Tokens, where they are configured: PyJWT costs 9 MB, and most services know API keys only."""

from typing import TYPE_CHECKING, Any

from app.errors import Unauthorized
from app.settings import AuthSettings

if TYPE_CHECKING:
    from app.assets.verifier import Verifier


class Tokens:
    """Verifies tokens, or takes none."""

    def __init__(self, settings: AuthSettings) -> None:
        self._verifier = _verifier(settings) if settings.jwt_secret or settings.jwt_jwks_url else None

    async def claims(self, token: str) -> dict[str, Any]:
        """The claims of a good token, or `Unauthorized`."""
        if self._verifier is None:
            raise Unauthorized("Tokens are not taken here.")
        return await self._verifier.claims(token)

    def close(self) -> None:
        """Wait for what runs."""
        if self._verifier is not None:
            self._verifier.close()


def _verifier(settings: AuthSettings) -> "Verifier":
    from app.assets.verifier import Verifier  # noqa: PLC0415 - see above

    return Verifier(settings)
