"""Tokens signed with private keys, whose public ones come from a server."""

import asyncio
import hashlib
import hmac
from collections.abc import Iterator

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.assets.tokens import Tokens
from app.errors import KeysUnavailable, Unauthorized
from app.settings import AuthSettings
from tests.assets.jwks import EC, RSA, KeyServer, signed
from tests.assets.test_tokens import claims, unsigned
from tests.conftest import SECRET

pytestmark = pytest.mark.anyio


@pytest.fixture
def server() -> Iterator[KeyServer]:
    """Two keys: `rsa` and `ec`."""
    with KeyServer().running() as server:
        yield server


@pytest.fixture
def tokens(server: KeyServer) -> Iterator[Tokens]:
    """The keys' address is configured, and a shared secret too."""
    tokens = Tokens(AuthSettings(jwt_secret=SECRET, jwt_jwks_url=server.url))
    yield tokens
    tokens.close()


@pytest.mark.parametrize(("key", "algorithm", "kid"), [(RSA, "RS256", "rsa"), (EC, "ES256", "ec")], ids=["rsa", "ec"])
async def test_a_good_token_is_taken(tokens: Tokens, key: object, algorithm: str, kid: str) -> None:
    """Of either kind."""
    assert (await tokens.claims(signed(key, algorithm, kid)))["sub"] == "s"


async def test_the_shared_secret_still_works(tokens: Tokens, server: KeyServer) -> None:
    """And nobody is asked for keys."""
    assert await tokens.claims(signed(SECRET, "HS256", None))
    assert server.asked == 0


async def test_keys_are_fetched_once(tokens: Tokens, server: KeyServer) -> None:
    """For many tokens at once."""
    await asyncio.gather(*[tokens.claims(signed(RSA, "RS256", "rsa")) for _ in range(20)])

    assert server.asked == 1


@pytest.mark.parametrize("kid", ["unknown", None, "", "ec"])
async def test_a_token_of_an_unknown_or_another_key_is_refused(tokens: Tokens, kid: str | None) -> None:
    """401, not a search through all keys."""
    with pytest.raises(Unauthorized):
        await tokens.claims(signed(RSA, "RS256", kid))


async def test_unknown_keys_do_not_flood_the_server(tokens: Tokens, server: KeyServer) -> None:
    """Anybody can invent a key's name: it isn't asked for each time."""
    for n in range(20):
        with pytest.raises(Unauthorized):
            await tokens.claims(signed(RSA, "RS256", f"invented {n}"))

    assert server.asked <= 2


async def test_somebody_else_s_key_is_refused(tokens: Tokens) -> None:
    """A good signature by a key that isn't ours, under the name of one that is."""
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(Unauthorized):
        await tokens.claims(signed(other, "RS256", "rsa"))
    with pytest.raises(Unauthorized):
        await tokens.claims(signed(ec.generate_private_key(ec.SECP256R1()), "ES256", "ec"))


@pytest.mark.parametrize(("algorithm", "kid"), [("RS384", "rsa"), ("RS512", "rsa"), ("PS256", "rsa")])
async def test_other_algorithms_of_a_good_key_are_refused(tokens: Tokens, algorithm: str, kid: str) -> None:
    """Two are taken, and no more."""
    with pytest.raises(Unauthorized):
        await tokens.claims(signed(RSA, algorithm, kid))


@pytest.mark.parametrize("form", [PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1], ids=["spki", "pkcs1"])
@pytest.mark.parametrize("kid", ["rsa", None])
async def test_a_public_key_is_never_a_secret(tokens: Tokens, form: PublicFormat, kid: str | None) -> None:
    """An HS256 token, signed with the text of the public key: everybody could make one."""
    secret = RSA.public_key().public_bytes(Encoding.PEM, form)
    token = unsigned({"alg": "HS256", **({"kid": kid} if kid else {})}, claims())
    digest = hmac.new(secret, token.rstrip(".").encode(), hashlib.sha256).digest()
    forged = token + jwt.utils.base64url_encode(digest).decode()

    with pytest.raises(Unauthorized):
        await tokens.claims(forged)


async def test_an_algorithm_does_not_take_another_s_key(tokens: Tokens) -> None:
    """`ES256` with the name of the RSA key, and the other way round."""
    for forged in (signed(EC, "ES256", "rsa"), signed(RSA, "RS256", "ec")):
        with pytest.raises(Unauthorized):
            await tokens.claims(forged)


async def test_a_server_that_is_away_is_not_the_caller_s_fault() -> None:
    """503: the same request may be sent again."""
    with KeyServer().running() as server:
        url = server.url
    tokens = Tokens(AuthSettings(jwt_jwks_url=url))
    with pytest.raises(KeysUnavailable):
        await tokens.claims(signed(RSA, "RS256", "rsa"))
    tokens.close()


@pytest.mark.parametrize("status", [301, 404, 429, 500, 503])
async def test_a_server_that_refuses_is_not_the_caller_s_fault(tokens: Tokens, server: KeyServer, status: int) -> None:
    """Nor is one that sends us elsewhere."""
    server.status, server.headers = status, {"Location": "http://127.0.0.1:9/keys"}
    with pytest.raises(KeysUnavailable):
        await tokens.claims(signed(RSA, "RS256", "rsa"))


NONSENSE = [b"", b"<html>maintenance</html>", b"[]", b"null", b"{}", b'{"keys": []}', b'{"keys": 7}', b"\xff\xfe"]


@pytest.mark.parametrize("body", NONSENSE, ids=str)
async def test_a_server_that_talks_nonsense_is_not_the_caller_s_fault(
    tokens: Tokens, server: KeyServer, body: bytes
) -> None:
    """A proxy's page instead of the keys: good tokens are not called bad."""
    server.body = body
    with pytest.raises(KeysUnavailable):
        await tokens.claims(signed(RSA, "RS256", "rsa"))


async def test_a_server_that_breaks_off_is_not_the_caller_s_fault(tokens: Tokens, server: KeyServer) -> None:
    """A reset connection, and an answer that is shorter than it said."""
    server.reset = True
    with pytest.raises(KeysUnavailable):
        await tokens.claims(signed(RSA, "RS256", "rsa"))
    server.reset, server.headers = False, {"Content-Length": "100000"}
    with pytest.raises(KeysUnavailable):
        await tokens.claims(signed(RSA, "RS256", "rsa"))


async def test_a_server_that_comes_back_is_asked_again(tokens: Tokens, server: KeyServer) -> None:
    """A failure is not remembered."""
    server.status = 500
    with pytest.raises(KeysUnavailable):
        await tokens.claims(signed(RSA, "RS256", "rsa"))
    server.status = 200

    assert await tokens.claims(signed(RSA, "RS256", "rsa"))


async def test_known_keys_outlive_a_server_that_went_away(tokens: Tokens, server: KeyServer) -> None:
    """For as long as they are remembered."""
    await tokens.claims(signed(RSA, "RS256", "rsa"))
    server.status = 500

    assert await tokens.claims(signed(EC, "ES256", "ec"))


async def test_a_forged_name_does_not_tell_on_the_server(tokens: Tokens, server: KeyServer) -> None:
    """When it makes us ask again, and the server breaks off then: 503 or 401, never a defect."""
    await tokens.claims(signed(RSA, "RS256", "rsa"))
    _let_a_minute_pass(tokens)
    server.reset = True

    with pytest.raises((KeysUnavailable, Unauthorized)):
        await tokens.claims(signed(RSA, "RS256", "invented"))


async def test_forged_names_do_not_hold_up_good_tokens(tokens: Tokens, server: KeyServer) -> None:
    """The server of keys is slow and failing; whoever has a token of a known key does not wait for strangers."""
    await tokens.claims(signed(RSA, "RS256", "rsa"))
    _let_a_minute_pass(tokens)
    server.status, server.delay = 503, 0.1
    forged = [asyncio.create_task(tokens.claims(signed(RSA, "RS256", f"invented {n}"))) for n in range(8)]
    await asyncio.sleep(0)
    good = await tokens.claims(signed(RSA, "RS256", "rsa"))
    waiting = sum(not task.done() for task in forged)
    await asyncio.gather(*forged, return_exceptions=True)

    assert good["sub"] == "s"
    assert waiting >= 6 or server.asked <= 3


def _let_a_minute_pass(tokens: Tokens) -> None:
    """As far as the time of the last fetch is concerned."""
    tokens._verifier._keys._asked_again -= 60
