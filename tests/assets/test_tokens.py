"""Tokens signed with the shared secret: which are good, and which are not."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from app.assets.tokens import Tokens
from app.errors import Unauthorized
from app.settings import AuthSettings
from tests.conftest import SECRET

pytestmark = pytest.mark.anyio

LEEWAY = 60  # seconds: a promise, not a setting
OTHER = "another secret that has more than thirty-two characters"


@pytest.fixture
def tokens() -> Iterator[Tokens]:
    """Only a shared secret is configured."""
    tokens = Tokens(AuthSettings(jwt_secret=SECRET))
    yield tokens
    tokens.close()


@pytest.fixture
def strict() -> Iterator[Tokens]:
    """Audience and issuer are configured too."""
    tokens = Tokens(AuthSettings(jwt_secret=SECRET, jwt_audience="stowage", jwt_issuer="https://issuer.test"))
    yield tokens
    tokens.close()


def claims(**changes: Any) -> dict[str, Any]:
    """Good for a minute; None removes a claim."""
    return {
        name: value for name, value in {"sub": "s", "exp": time.time() + 60, **changes}.items() if value is not None
    }


def signed(
    secret: str = SECRET, algorithm: str = "HS256", headers: dict[str, Any] | None = None, **changes: Any
) -> str:
    """A token; what isn't said is good."""
    return jwt.encode(claims(**changes), secret, algorithm, headers)


def unsigned(header: Any, payload: Any, signature: str = "") -> str:
    """Three parts of our own making."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, payload)]
    return ".".join([*parts, signature])


async def test_a_good_token_says_what_it_says(tokens: Tokens) -> None:
    """All its claims."""
    found = await tokens.claims(signed(tenant="acme", scope=["read"]))

    assert (found["sub"], found["tenant"], found["scope"]) == ("s", "acme", ["read"])


@pytest.mark.parametrize("ago", [0, LEEWAY - 10])
async def test_clocks_may_differ_a_little(tokens: Tokens, ago: int) -> None:
    """A token that ended less than a minute ago is taken, and so is one that begins in less than a minute."""
    assert await tokens.claims(signed(exp=time.time() - ago))
    assert await tokens.claims(signed(nbf=time.time() + ago, iat=time.time() + ago))


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": time.time() - LEEWAY - 10},
        {"exp": 0},
        {"exp": -1},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": [2**40]},
        {"exp": True},
        {"nbf": time.time() + 24 * 3600},
        {"iat": time.time() + 24 * 3600},
        {"nbf": "never"},
    ],
    ids=str,
)
async def test_a_token_outside_its_time_is_refused(tokens: Tokens, changes: dict[str, Any]) -> None:
    """Ended, without an end, with an end that is no time, or not begun."""
    with pytest.raises(Unauthorized):
        await tokens.claims(signed(**changes))


@pytest.mark.parametrize("end", [float("inf"), float("nan"), 1e308, 2**63, 10**400])
async def test_an_absurd_end_is_no_crash(tokens: Tokens, end: float) -> None:
    """JSON can hold numbers that no clock reaches: refused, or a very long time."""
    try:
        found = await tokens.claims(signed(exp=end))
    except Unauthorized:
        found = {"sub": "s"}

    assert found["sub"] == "s"


async def test_another_secret_is_refused(tokens: Tokens) -> None:
    """Whatever the token says."""
    with pytest.raises(Unauthorized):
        await tokens.claims(signed(OTHER))


@pytest.mark.parametrize(
    "name", ["none", "None", "NONE", "nOnE", "", None, 0, [], {}, "HS512", "hs256", "RS256", "ES256"]
)
async def test_only_configured_algorithms_are_taken(tokens: Tokens, name: Any) -> None:
    """`none` is never one; a public-key algorithm needs keys that are not configured here."""
    for signature in ("", "AAAA", signed().rpartition(".")[2]):
        with pytest.raises(Unauthorized):
            await tokens.claims(unsigned({"alg": name, "typ": "JWT"}, claims(), signature))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
async def test_a_stronger_algorithm_with_the_right_secret_is_refused(tokens: Tokens, algorithm: str) -> None:
    """One algorithm for one key."""
    with pytest.raises(Unauthorized):
        await tokens.claims(jwt.encode(claims(), SECRET * 3, algorithm))


async def test_without_a_secret_no_shared_one_is_taken() -> None:
    """Not the empty one either."""
    tokens = Tokens(AuthSettings())
    for secret in (SECRET, OTHER):
        with pytest.raises(Unauthorized):
            await tokens.claims(signed(secret))
    tokens.close()


async def test_a_changed_token_is_refused(tokens: Tokens) -> None:
    """Every single character counts, in each of its parts."""
    good = signed(tenant="acme")
    for at in range(0, len(good) - 1, 7):
        changed = good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :]
        with pytest.raises(Unauthorized):
            await tokens.claims(changed)


@pytest.mark.parametrize(
    "token",
    [
        "..",
        "a.b.c",
        "a" * 9_000 + "..",
        "é.é.é",
        "\ud800.a.b",
        "\0.\0.\0",
        unsigned([], {}),
        unsigned(None, None),
        unsigned({}, []),
    ],
    ids=range(9),
)
async def test_what_is_no_token_is_refused(tokens: Tokens, token: str) -> None:
    """Never as a defect of ours."""
    with pytest.raises(Unauthorized):
        await tokens.claims(token)


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "http://evil.test/keys"},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"x5u": "http://evil.test"},
        {"kid": "../../x"},
    ],
    ids=str,
)
async def test_a_token_does_not_choose_its_key(tokens: Tokens, header: dict[str, Any]) -> None:
    """What its header points to is not looked at: the signature is checked as always."""
    with pytest.raises(Unauthorized):
        await tokens.claims(signed(OTHER, headers=header))
    assert await tokens.claims(signed(headers=header))


async def test_a_critical_header_that_we_do_not_know_is_refused(tokens: Tokens) -> None:
    """RFC 7515: whoever doesn't understand it must not take the token."""
    with pytest.raises(Unauthorized):
        await tokens.claims(signed(headers={"crit": ["b64"], "b64": False}))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": None},
        {"aud": "other"},
        {"aud": []},
        {"aud": ["other"]},
        {"aud": 7},
        {"iss": None},
        {"iss": "https://issuer.test/"},
        {"iss": "https://evil.test"},
    ],
    ids=str,
)
async def test_a_token_for_somebody_else_is_refused(strict: Tokens, changes: dict[str, Any]) -> None:
    """When audience and issuer are configured, a token must have both."""
    with pytest.raises(Unauthorized):
        await strict.claims(signed(**{"aud": "stowage", "iss": "https://issuer.test", **changes}))


@pytest.mark.parametrize("audience", ["stowage", ["other", "stowage"]], ids=str)
async def test_a_token_for_us_is_taken(strict: Tokens, audience: Any) -> None:
    """Alone, or among others."""
    assert await strict.claims(signed(aud=audience, iss="https://issuer.test"))


async def test_what_is_not_configured_is_not_checked(tokens: Tokens) -> None:
    """Any audience, any issuer; a subject may be a number."""
    assert await tokens.claims(signed(aud="other", iss="other"))
    assert (await tokens.claims(signed(sub=42)))["sub"] == 42
