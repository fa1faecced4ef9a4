"""JSON Web Tokens: whose they are is told by claims that only a good signature makes true."""

import time
from http.client import HTTPException
from typing import Any

import jwt

from app.errors import KeysUnavailable, Unauthorized
from app.lanes import Lane
from app.settings import AuthSettings

LEEWAY = 60  # seconds that clocks may differ
PUBLIC_KEY_ALGORITHMS = ("RS256", "ES256")
FETCH_SECONDS = 5
ASK_AGAIN = 30  # seconds between two questions for a name that we do not know


class Verifier:
    """Verifies HS256 with `JWT_SECRET`, RS256 and ES256 with the keys at `JWT_JWKS_URL`.

    A token chooses among the algorithms that are configured and no others: a public key is never taken for a secret,
    `none` is never an algorithm. `exp` is required; `aud` and `iss` are checked when they are configured.
    """

    def __init__(self, settings: AuthSettings) -> None:
        self._secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret else None
        url = settings.jwt_jwks_url
        self._keys = PublicKeys(url) if url else None
        self._lane = Lane("jwks", threads=1, waiting=64)  # the key client fetches by blocking calls
        self._options: dict[str, Any] = {
            "audience": settings.jwt_audience,
            "issuer": settings.jwt_issuer,
            "leeway": LEEWAY,
            "options": {"require": ["exp"], "verify_aud": settings.jwt_audience is not None, "verify_sub": False},
        }

    async def claims(self, token: str) -> dict[str, Any]:
        """The claims of a good token, or `Unauthorized`."""
        try:
            algorithm = jwt.get_unverified_header(token).get("alg")
            if algorithm == "HS256" and self._secret is not None:
                return self._decode(token, self._secret, algorithm)
            if algorithm in PUBLIC_KEY_ALGORITHMS and self._keys is not None:
                key = await self._lane.run(self._keys.find, token)
                return self._decode(token, key, algorithm)
        except (jwt.PyJWTError, ValueError) as failure:
            raise Unauthorized("The token is not valid.") from failure
        raise Unauthorized("Tokens of this algorithm are not taken here.")

    def close(self) -> None:
        """Wait for what runs."""
        self._lane.close()

    def _decode(self, token: str, key: Any, algorithm: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(token, key, algorithms=[algorithm], **self._options)
        return claims


class PublicKeys:
    """The keys at `JWT_JWKS_URL`, kept for five minutes.

    A name that is not among them makes us ask again, once in a while: strangers may invent names as they like.
    A server that is gone or talks nonsense is `KeysUnavailable`, not the caller's fault.
    """

    def __init__(self, url: str) -> None:
        self._client = jwt.PyJWKClient(url, cache_jwk_set=True, timeout=FETCH_SECONDS)
        self._asked_again = -float("inf")

    def find(self, token: str) -> jwt.PyJWK:
        """The key that a token names. Blocks when it asks."""
        name = jwt.get_unverified_header(token).get("kid", "")
        found = self._client.match_kid(self._fetch(refresh=False), name)
        if found is None and time.monotonic() - self._asked_again > ASK_AGAIN:
            self._asked_again = time.monotonic()
            found = self._client.match_kid(self._fetch(refresh=True), name)
        if found is None:
            raise Unauthorized("The token names a key that is not known.")
        return found

    def _fetch(self, *, refresh: bool) -> list[jwt.PyJWK]:
        try:
            return self._client.get_signing_keys(refresh=refresh)
        except (jwt.PyJWTError, ValueError, OSError, HTTPException) as failure:
            raise KeysUnavailable from failure
