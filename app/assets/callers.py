"""Who asks: a tenant and what it may do."""

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum

from app.assets.keys import DEFAULT_TENANT
from app.assets.tokens import Tokens
from app.db.records import Asset
from app.errors import CompanyRequired, Forbidden, Unauthorized

ADMINISTRATOR = "*"
LONGEST_TENANT = 255  # characters


class Scope(StrEnum):
    """What a caller may do."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


EVERYTHING = frozenset({Scope.READ, Scope.WRITE})


@dataclass(frozen=True, slots=True)
class Caller:
    """A known caller.

    `company` is its own one, for `my-company`; `any_company` says whether it may name others of its tenant.
    The administrator sees every tenant's assets; what it stores belongs to the tenant `default`.
    """

    tenant: str
    scopes: frozenset[Scope] = EVERYTHING
    company: str | None = None
    any_company: bool = True
    administrator: bool = False

    def require(self, scope: Scope) -> "Caller":
        """This caller, if it has the scope."""
        if scope not in self.scopes:
            raise Forbidden(f"This takes the scope `{scope}`.")
        return self

    def may_see(self, asset: Asset) -> bool:
        """Whether an asset exists as far as this caller is concerned."""
        return self.administrator or asset.tenant == self.tenant

    def company_named(self, company: str) -> str:
        """The company that a path names, `my-company` being the caller's own."""
        if company == "my-company":
            if self.company is None:
                raise CompanyRequired
            return self.company
        if not self.any_company and company != self.company:
            raise Forbidden("This token belongs to another company.")
        return company


class Callers:
    """Knows the API keys by their SHA-256, and whom to ask about tokens."""

    def __init__(self, api_keys: str, tokens: Tokens) -> None:
        self._keys = [_parse(entry.strip()) for entry in api_keys.split(",") if entry.strip()]
        if len({digest for digest, _ in self._keys}) < len(self._keys):
            raise ValueError("API_KEYS: the same key stands there twice.")
        self._tokens = tokens

    async def identify(self, credential: str) -> Caller:
        """An API key or a token -> whose it is, or `Unauthorized`."""
        digest = _digest(credential)
        found = None
        for known, caller in self._keys:  # all of them: the time taken tells nothing
            if hmac.compare_digest(digest, known):
                found = caller
        if found is not None:
            return found
        if credential.count(".") == 2:  # noqa: PLR2004 - a JWT has three parts
            return _caller_of(await self._tokens.claims(credential))
        raise Unauthorized


def _parse(entry: str) -> tuple[bytes, Caller]:
    """`tenant:key[:read]` -> the key's digest and its caller."""
    tenant, _, rest = entry.partition(":")
    key, _, access = rest.partition(":")
    if not tenant or not key or access not in {"", "read"}:
        raise ValueError("API_KEYS: each entry is tenant:key or tenant:key:read.")
    scopes = frozenset({Scope.READ}) if access else EVERYTHING
    if tenant == ADMINISTRATOR:
        return _digest(key), Caller(DEFAULT_TENANT, scopes | {Scope.ADMIN}, administrator=True)
    return _digest(key), Caller(tenant, scopes, company=tenant)


def _caller_of(claims: dict[str, object]) -> Caller:
    """Verified claims -> a caller of one company; only the key of the tenant `*` is the administrator."""
    own = _text(claims, "company_id")
    tenant = _text(claims, "tenant") or _text(claims, "org_id") or own or _text(claims, "sub")
    if tenant is None or tenant == ADMINISTRATOR:
        raise Unauthorized("The token names no tenant: tenant, org_id, company_id or sub.")
    scopes = _scopes(claims)
    return Caller(tenant, scopes, company=own or tenant, any_company=Scope.ADMIN in scopes)


def _scopes(claims: dict[str, object]) -> frozenset[Scope]:
    """`scope` as a string or a list; a token without it may read and write, one with other scopes only may nothing."""
    given = claims.get("scope")
    if given is None:
        return EVERYTHING
    words = given.split() if isinstance(given, str) else given if isinstance(given, list) else []
    scopes = frozenset(scope for scope in Scope if scope in words)
    return scopes | EVERYTHING if Scope.ADMIN in scopes else scopes


def _text(claims: dict[str, object], name: str) -> str | None:
    """A claim as text: ids are numbers as often as not. What can't be kept as it is, is refused, never cut."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    text = str(value)
    if len(text) > LONGEST_TENANT or not text.isprintable():
        raise Unauthorized(f"The token's claim {name} is too long or not printable.")
    return text


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogateescape")).digest()
