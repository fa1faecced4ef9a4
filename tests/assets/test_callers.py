"""Who asks: API keys, tokens, and what they may do."""

import contextlib
import hmac
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from app.assets.callers import Caller, Callers, Scope
from app.assets.tokens import Tokens
from app.errors import CompanyRequired, Forbidden, StowageError, Unauthorized
from app.settings import AuthSettings
from tests.conftest import KEYS, SECRET

pytestmark = pytest.mark.anyio

READ, WRITE, ADMIN = frozenset({Scope.READ}), frozenset({Scope.READ, Scope.WRITE}), frozenset(Scope)


@pytest.fixture
def callers() -> Iterator[Callers]:
    """The keys that the tests share, and tokens signed with the shared secret."""
    tokens = Tokens(AuthSettings(jwt_secret=SECRET))
    yield Callers(KEYS, tokens)
    tokens.close()


def token(**claims: Any) -> str:
    """A good token with these claims."""
    return jwt.encode({"exp": time.time() + 60, **claims}, SECRET, "HS256")


async def test_a_key_is_its_tenant_s(callers: Callers) -> None:
    """It reads and writes, for any company of the tenant; its own company is the tenant."""
    caller = await callers.identify("acme-key")

    assert caller == Caller("acme", WRITE, company="acme", any_company=True, administrator=False)


async def test_a_key_may_be_for_reading_only(callers: Callers) -> None:
    """`tenant:key:read`."""
    assert (await callers.identify("acme-read")).scopes == READ


async def test_the_administrator_s_key(callers: Callers) -> None:
    """The tenant `*`: everything, and what it stores belongs to `default`; it has no company."""
    caller = await callers.identify("root-key")

    assert caller == Caller("default", ADMIN, company=None, administrator=True)


async def test_two_keys_of_one_tenant_live_together() -> None:
    """While the old one is being replaced; spaces and empty entries are forgiven."""
    tokens = Tokens(AuthSettings())
    callers = Callers(" acme:old , acme:new,, ", tokens)
    tokens.close()

    assert await callers.identify("old") == await callers.identify("new")


async def test_all_keys_are_compared_whole(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    """By their SHA-256 and in constant time, whichever key it is, or if it is none: the time taken tells nothing."""
    compared, compare = [], hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda *both: compared.extend(both) or compare(*both))
    for credential in ("acme-key", "dev-key", "nobody-s"):
        with contextlib.suppress(Unauthorized):
            await callers.identify(credential)

    assert len(compared) == 3 * 2 * len(KEYS.split(","))
    assert {len(side) for side in compared} == {32}


NOBODY = ["", " ", "acme", "acme-key ", "ACME-KEY", "acme:acme-key", "*", "a.b", "a.b.c.d", "é", "\udcff", "a" * 9000]


@pytest.mark.parametrize("credential", NOBODY, ids=range(len(NOBODY)))
async def test_any_other_word_is_nobody_s(callers: Callers, credential: str) -> None:
    """Not even nearly right ones."""
    with pytest.raises(Unauthorized):
        await callers.identify(credential)


@pytest.mark.parametrize(
    "keys",
    ["k7", "k7:", ":k7", "acme:k7:write", "acme:k7:read:more", "a:k7,c", "acme::k7", "acme::read"],
)
def test_keys_that_cannot_be_meant_are_refused_at_the_start(keys: str) -> None:
    """In a sentence that says how, without the key."""
    with pytest.raises(ValueError, match="API_KEYS") as refused:
        Callers(keys, Tokens(AuthSettings()))

    assert "k7" not in str(refused.value)


@pytest.mark.parametrize(
    ("claims", "tenant", "company"),
    [
        ({"tenant": "t", "org_id": "o", "company_id": "c", "sub": "s"}, "t", "c"),
        ({"org_id": "o", "company_id": "c", "sub": "s"}, "o", "c"),
        ({"company_id": "c", "sub": "s"}, "c", "c"),
        ({"sub": "s"}, "s", "s"),
        ({"tenant": "t", "sub": "s"}, "t", "t"),
        ({"tenant": 42, "company_id": 7}, "42", "7"),
        ({"tenant": "", "sub": "s"}, "s", "s"),
        ({"tenant": None, "org_id": ["o"], "company_id": {"c": 1}, "sub": "s"}, "s", "s"),
        ({"tenant": True, "sub": "s"}, "s", "s"),
    ],
    ids=range(9),
)
async def test_a_token_says_whose_it_is(callers: Callers, claims: dict[str, Any], tenant: str, company: str) -> None:
    """`tenant`, `org_id`, `company_id`, `sub`: the first that is there; ids are numbers as often as not."""
    caller = await callers.identify(token(**claims))

    assert (caller.tenant, caller.company, caller.any_company) == (tenant, company, False)
    assert not caller.administrator


@pytest.mark.parametrize(
    "claims",
    [{}, {"tenant": "*"}, {"org_id": "*"}, {"company_id": "*"}, {"sub": "*"}, {"sub": ""}, {"name": "s"}],
    ids=range(7),
)
async def test_a_token_without_a_tenant_is_nobody_s(callers: Callers, claims: dict[str, Any]) -> None:
    """`*` is not a tenant that a token can name."""
    with pytest.raises(Unauthorized):
        await callers.identify(token(**claims))


@pytest.mark.parametrize("tenant", ["x" * 256, "\ud800", "a\0b"], ids=["long", "surrogate", "zero byte"])
async def test_a_tenant_that_cannot_be_kept_is_refused(callers: Callers, tenant: str) -> None:
    """Not cut or changed: two tenants could become one."""
    with pytest.raises(StowageError):
        await callers.identify(token(tenant=tenant))


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("read", READ),
        ("write", {Scope.WRITE}),
        ("read write", WRITE),
        ("admin", ADMIN),
        ("openid  profile\tread", READ),
        (["read", "write"], WRITE),
        (["read", "profile"], READ),
        ("", set()),
        ("profile", set()),
        ("READ", set()),
        ([], set()),
        (7, set()),
        ({"read": True}, set()),
        (["read", ["write"]], READ),
        ([{}, None, 1, "write"], {Scope.WRITE}),
    ],
    ids=str,
)
async def test_scopes_are_what_the_token_says(callers: Callers, scope: Any, expected: set[Scope]) -> None:
    """As text or as a list; what isn't ours is passed over, and gives nothing."""
    assert (await callers.identify(token(sub="s", scope=scope))).scopes == expected


async def test_a_token_without_scopes_reads_and_writes(callers: Callers) -> None:
    """Many issuers have none."""
    assert (await callers.identify(token(sub="s"))).scopes == WRITE
    assert (await callers.identify(token(sub="s", scope=None))).scopes == WRITE


def test_a_scope_is_asked_for() -> None:
    """The caller itself, or 403 with the name of what is missing."""
    reader = Caller("acme", READ)

    assert reader.require(Scope.READ) is reader
    with pytest.raises(Forbidden, match="write"):
        reader.require(Scope.WRITE)


async def test_a_token_reaches_its_own_company_only(callers: Callers) -> None:
    """By its name and as `my-company`; another one is 403."""
    caller = await callers.identify(token(tenant="t", company_id="7"))

    assert (caller.company_named("7"), caller.company_named("my-company")) == ("7", "7")
    for other in ("8", "t", "", "7 ", "07"):
        with pytest.raises(Forbidden):
            caller.company_named(other)


async def test_an_administering_token_reaches_every_company_of_its_tenant(callers: Callers) -> None:
    """With the scope `admin`; it is still no administrator of other tenants."""
    caller = await callers.identify(token(tenant="t", company_id="7", scope="admin"))

    assert caller.company_named("8") == "8"
    assert not caller.administrator


async def test_a_key_reaches_every_company_of_its_tenant(callers: Callers) -> None:
    """`my-company` is the tenant; the administrator has none, and is asked which."""
    key, administrator = await callers.identify("acme-key"), await callers.identify("root-key")

    assert (key.company_named("8"), key.company_named("my-company")) == ("8", "acme")
    assert administrator.company_named("8") == "8"
    with pytest.raises(CompanyRequired):
        administrator.company_named("my-company")


def test_one_key_of_two_tenants_is_refused_at_the_start() -> None:
    """Whose files would it show?"""
    with pytest.raises(ValueError, match="twice"):
        Callers("acme:same,other:same", Tokens(AuthSettings()))
