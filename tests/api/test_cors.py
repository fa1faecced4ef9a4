"""Which web origins may call: those that are listed, and never everybody with credentials."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.api.running import running
from tests.conftest import make_png

LISTED = ("https://app.test", "http://localhost:3000")
EVIL = (
    "https://evil.test",
    "https://app.test.evil.test",
    "https://evilapp.test",
    "http://app.test",
    "https://app.test:444",
    "https://app.test/",
    "https://app.test@evil.test",
    "https://app.test, https://evil.test",
    "null",
    "*",
    "",
)
EXPOSED = {"location", "etag", "x-request-id", "link", "retry-after"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service that lists two origins, one of them with a slash at its end."""
    with running(tmp_path_factory.mktemp("cors"), cors_origins="https://app.test/, http://localhost:3000") as client:
        yield client


def preflight(client: TestClient, origin: str, method: str = "POST", headers: str = "authorization"):
    """What a browser asks before it calls."""
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return client.options("/v1/companies/7/logo", headers={**asked, "Authorization": ""})


def listed(header: str) -> set[str]:
    """The members of a header."""
    return {member.strip().lower() for member in header.split(",")}


@pytest.mark.parametrize("origin", LISTED)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_listed_origin_may_call(client: TestClient, origin: str, method: str) -> None:
    """Without a key, for every method, with the headers that our calls take."""
    wanted = "authorization, x-api-key, content-type, idempotency-key, if-match, if-none-match, x-request-id"

    answer = preflight(client, origin, method, wanted)

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert method.lower() in listed(answer.headers["access-control-allow-methods"])
    assert listed(wanted) <= listed(answer.headers["access-control-allow-headers"])
    assert "origin" in listed(answer.headers["vary"])


@pytest.mark.parametrize("origin", EVIL)
def test_another_origin_may_not(client: TestClient, origin: str) -> None:
    """Neither in the preflight nor in the answer is it named."""
    for answer in (preflight(client, origin), client.get("/v1/assets", headers={"Origin": origin})):
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origin", LISTED)
def test_the_answer_shows_its_headers_to_scripts(client: TestClient, origin: str) -> None:
    """Location, ETag, X-Request-ID and what else a frontend works with."""
    answer = client.put("/v1/companies/7/logo", files={"logo": ("a.png", make_png())}, headers={"Origin": origin})

    assert answer.status_code in {200, 201}
    assert answer.headers["access-control-allow-origin"] == origin
    assert listed(answer.headers["access-control-expose-headers"]) >= EXPOSED


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/v1/assets", {"Authorization": ""}, 401),
        ("POST", "/v1/assets", {"Authorization": "Bearer acme-read"}, 403),
        ("GET", "/v1/nothing", {}, 404),
        ("DELETE", "/v1/assets", {}, 405),
        ("POST", "/v1/assets", {"Content-Type": "image/png"}, 415),
        ("POST", "/v1/assets", {"Content-Type": "multipart/form-data; boundary=x"}, 400),
        ("POST", "/v1/assets?kind=logo", {"Content-Type": "multipart/form-data; boundary=x"}, 400),
    ],
)
def test_a_refusal_can_be_read_by_scripts_too(
    client: TestClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """Otherwise a frontend sees nothing but a failed call."""
    answer = client.request(method, path, headers={**headers, "Origin": LISTED[0]})

    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == LISTED[0]
    assert "x-request-id" in listed(answer.headers["access-control-expose-headers"])


def test_a_crash_can_be_read_by_scripts_too(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 with the same headers."""
    monkeypatch.setattr(client.app.state.services.database, "_reads", None)

    answer = client.get("/v1/assets", headers={"Origin": LISTED[0]})

    assert answer.status_code == 500
    assert answer.headers["access-control-allow-origin"] == LISTED[0]
    assert answer.headers["x-request-id"]


def test_everybody_may_call_without_credentials_only(tmp_path_factory: pytest.TempPathFactory) -> None:
    """`*` is answered as `*`, also to who sends cookies, and never with leave to send credentials."""
    with running(tmp_path_factory.mktemp("open"), cors_origins="*") as client:
        evil = {"Origin": "https://evil.test"}
        answers = [client.get("/healthz", headers={**evil, **cookie}) for cookie in ({}, {"Cookie": "session=1"})]

        for answer in [preflight(client, "https://evil.test"), *answers]:
            assert answer.headers["access-control-allow-origin"] in {"*", "https://evil.test"}
            assert "access-control-allow-credentials" not in answer.headers


def test_without_a_list_no_origin_may_call(stranger: TestClient) -> None:
    """No header says anything about origins."""
    for answer in (preflight(stranger, LISTED[0]), stranger.get("/healthz", headers={"Origin": LISTED[0]})):
        assert [name for name in answer.headers if name.startswith("access-control")] == []
