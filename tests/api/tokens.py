"""Tokens and keys for the tests: whose they are and what is wrong with them."""

import time

import jwt

from tests.conftest import SECRET

ACME = {"Authorization": "Bearer acme-key"}
READER = {"Authorization": "Bearer acme-read"}
OTHER = {"Authorization": "Bearer other-key"}
ROOT = {"Authorization": "Bearer root-key"}
DEFAULT = {"Authorization": "Bearer dev-key"}


def signed(secret: str = SECRET, *, lasts: float = 24 * 3600, **claims: object) -> str:
    """A token of HS256 that lasts so many seconds."""
    return jwt.encode({"exp": int(time.time() + lasts), **claims}, secret, algorithm="HS256")


def bearer(token: str) -> dict[str, str]:
    """The header that carries it."""
    return {"Authorization": f"Bearer {token}"}


def of_company(company: object, *, tenant: str = "acme", **claims: object) -> dict[str, str]:
    """The header of a caller of one company within a tenant."""
    return bearer(signed(tenant=tenant, company_id=company, **claims))
