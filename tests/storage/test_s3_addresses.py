"""Where the S3 store turns to, at each provider, and the links that it signs: read from the addresses themselves."""

import ssl
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, unquote, urlsplit

import httpx2
import pytest

from app.storage.backend import Backend
from app.storage.s3 import S3Backend
from app.storage.s3_client import S3Client
from tests.standins.s3 import S3Server
from tests.storage.backends import s3_on
from tests.storage.faulty import KEY_ID, SECRET, put_file, s3_settings

WEEK = 7 * 86_400
RAILWAY, R2 = "https://storage.railway.app", "https://acc0unt.eu.r2.cloudflarestorage.com"
SUPABASE = "https://ref.storage.supabase.co/storage/v1/s3"

# endpoint, region, bucket -> the host and the path's beginning in a signed address, the region that it is signed for
PLACES = [
    (None, "eu-west-1", "photos", "photos.s3.eu-west-1.amazonaws.com", "/", "eu-west-1"),
    (None, "cn-north-1", "photos", "photos.s3.cn-north-1.amazonaws.com.cn", "/", "cn-north-1"),
    (None, "us-gov-west-1", "photos", "photos.s3.us-gov-west-1.amazonaws.com", "/", "us-gov-west-1"),
    ("https://s3.eu-west-3.amazonaws.com", None, "photos", "photos.s3.eu-west-3.amazonaws.com", "/", "eu-west-3"),
    (None, "eu-west-1", "photos.acme", "s3.eu-west-1.amazonaws.com", "/photos.acme/", "eu-west-1"),
    (None, "us-east-1", "OldPhotos", "s3.us-east-1.amazonaws.com", "/OldPhotos/", "us-east-1"),
    (None, "us-east-1", "old_photos", "s3.us-east-1.amazonaws.com", "/old_photos/", "us-east-1"),
    (RAILWAY, None, "photos", "photos.storage.railway.app", "/", "auto"),
    ("https://t3.storageapi.dev", None, "photos-x1", "photos-x1.t3.storageapi.dev", "/", "auto"),
    ("storage.railway.app", "auto", "photos", "photos.storage.railway.app", "/", "auto"),
    (R2, None, "photos", "acc0unt.eu.r2.cloudflarestorage.com", "/photos/", "auto"),
    ("s3.us-west-004.backblazeb2.com", None, "photos", "s3.us-west-004.backblazeb2.com", "/photos/", "us-west-004"),
    (SUPABASE, "us-east-1", "photos", "ref.storage.supabase.co", "/storage/v1/s3/photos/", "us-east-1"),
    ("http://minio:9000", "us-east-1", "photos", "minio:9000", "/photos/", "us-east-1"),
    ("http://10.0.0.7:9000", "us-east-1", "photos", "10.0.0.7:9000", "/photos/", "us-east-1"),
    ("https://S3.Example:443/", "us-east-1", "photos", "s3.example", "/photos/", "us-east-1"),
    ("http://minio:443", "us-east-1", "photos", "minio:443", "/photos/", "us-east-1"),
    ("http://[::1]:9000", "us-east-1", "photos", "[::1]:9000", "/photos/", "us-east-1"),
]


def store(bucket: str = "photos", *, public_url: str | None = None, **more: object) -> S3Backend:
    """A store that nothing is ever sent to."""
    return S3Backend(S3Client(s3_settings(bucket=bucket, **more)), public_url=public_url)


def signed(
    backend: S3Backend, key: str = "logo/a.png", *, seconds: float = 60, filename: str | None = None
) -> dict[str, str]:
    """The parts of a signed address: host, path, and its parameters."""
    split = urlsplit(backend.url(key, expires_in=seconds, filename=filename) or "")
    return {"host": split.netloc, "path": split.path, **{n: v[0] for n, v in parse_qs(split.query).items()}}


@pytest.fixture(scope="module")
def amazon() -> S3Backend:
    """The store at Amazon, in the oldest of its regions."""
    return store(region="us-east-1")


@pytest.mark.parametrize(("endpoint", "region", "bucket", "host", "path", "scope"), PLACES)
def test_trap_the_bucket_in_the_wrong_place(
    endpoint: str | None, region: str | None, bucket: str, host: str, path: str, scope: str
) -> None:
    """In the host name at Amazon (the regional one) and Railway, in the path where it must be or can't be a name."""
    link = signed(store(bucket, endpoint=endpoint, region=region))

    assert (link["host"], link["path"]) == (host, f"{path}logo/a.png")
    assert link["X-Amz-Credential"].split("/")[2:] == [scope, "s3", "aws4_request"]


@pytest.mark.parametrize(
    ("style", "endpoint", "host"),
    [
        ("path", RAILWAY, "storage.railway.app"),
        ("virtual", R2, "photos.acc0unt.eu.r2.cloudflarestorage.com"),
    ],
)
def test_a_style_that_is_set_is_obeyed(style: str, endpoint: str | None, host: str) -> None:
    """Older buckets of Railway want the path; somebody's own server may want the name."""
    assert signed(store(region="eu-west-1", endpoint=endpoint, addressing=style))["host"] == host


@pytest.mark.parametrize(
    "endpoint",
    [
        None,
        "http://minio:9000",
        SUPABASE,
        "https://s3.amazonaws.com",
        "https://s3-accelerate.amazonaws.com",
        "https://s3-external-1.amazonaws.com",
        "https://storage.railway.app.evil.example",
    ],
)
def test_trap_a_region_that_was_guessed(endpoint: str | None) -> None:
    """A wrong one fails in odd ways: where nothing tells it, the variable is asked for by its name."""
    with pytest.raises(ValueError, match="S3_REGION"):
        store(region=None, endpoint=endpoint)


@pytest.mark.parametrize("region", ["EU (Ireland)", "eu west 1"])
def test_a_region_that_cannot_be_one_is_refused(region: str) -> None:
    """When the store is made, in a sentence that says whose setting it is."""
    with pytest.raises(ValueError, match="s3"):
        store(region=region)


@pytest.mark.parametrize(
    "endpoint", ["https://a b", "https://", "ftp://minio", "http://minio:port", "http://a@b:99999"]
)
def test_an_endpoint_that_cannot_be_one_is_refused(endpoint: str) -> None:
    """When the store is made, by its variable."""
    with pytest.raises(ValueError, match="S3_ENDPOINT_URL"):
        store(endpoint=endpoint)


@pytest.mark.parametrize("bucket", ["my bucket", "s3://photos", "photos/x", "arn:nonsense", "a\nb", ""])
def test_trap_a_bucket_name_that_fails_at_the_first_upload(bucket: str) -> None:
    """What can't be a bucket's name is refused at the start, by its variable."""
    with pytest.raises(ValueError, match="S3_BUCKET"):
        S3Backend.from_settings(s3_settings(bucket=bucket))


@pytest.mark.parametrize("missing", ["access_key", "secret_key"])
def test_a_missing_credential_is_named(missing: str) -> None:
    """By a variable that can be set."""
    name = {"access_key": "AWS_ACCESS_KEY_ID", "secret_key": "AWS_SECRET_ACCESS_KEY"}[missing]
    with pytest.raises(ValueError, match=name):
        S3Backend.from_settings(s3_settings(**{missing: None}))


@pytest.mark.parametrize("value", ["tw\no", "tw o", "twö"])
@pytest.mark.parametrize(
    ("field", "name"), [("access_key", "AWS_ACCESS_KEY_ID"), ("session_token", "AWS_SESSION_TOKEN")]
)
def test_trap_a_credential_that_no_header_can_hold(field: str, name: str, value: str) -> None:
    """It is named when the service starts, and not shown; each request would fail, with it in the error."""
    with pytest.raises(ValueError, match=name) as caught:
        S3Backend.from_settings(s3_settings(**{field: value}))

    assert "tw" not in str(caught.value)


def test_trap_a_link_is_signed_by_the_old_rules(amazon: S3Backend) -> None:
    """The SDK's default in us-east-1 is version 2, which newer buckets refuse: it is version 4."""
    link = signed(amazon)

    assert link["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert link["X-Amz-Credential"].startswith(f"{KEY_ID}/")
    assert not {"AWSAccessKeyId", "Signature", "Expires"} & set(link)
    assert SECRET not in str(link)


@pytest.mark.parametrize(
    ("asked", "given"),
    [(60, 60), (1.9, 1), (0, 1), (-5, 1), (0.2, 1), (WEEK, WEEK), (WEEK + 1, WEEK), (90 * 86_400, WEEK)],
)
def test_trap_a_link_that_lives_longer_than_amazon_allows(amazon: S3Backend, asked: float, given: int) -> None:
    """A week at most; a second at least."""
    assert signed(amazon, seconds=asked)["X-Amz-Expires"] == str(given)


def test_trap_a_link_that_forgets_to_expire() -> None:
    """With a public address too, what is asked to expire is signed, at the bucket itself."""
    public = store(region="eu-west-1", public_url="https://cdn.example")

    assert public.url("logo/a.png") == "https://cdn.example/logo/a.png"
    assert signed(public)["host"] == "photos.s3.eu-west-1.amazonaws.com"
    assert signed(public)["X-Amz-Signature"]


def test_a_bucket_without_a_public_address_has_none(amazon: S3Backend) -> None:
    """The permalink takes its place."""
    assert amazon.url("logo/a.png") is None


def test_temporary_credentials_are_in_the_link() -> None:
    """Without their token S3 would not know them."""
    link = signed(store(region="eu-west-1", session_token="of-a-role"))

    assert link["X-Amz-Security-Token"] == "of-a-role"


@pytest.mark.parametrize("name", ["été 漢字.png", 'a"b;c.png', "a\r\nX-Evil: 1.png", "100%.png", "a'b(c)*.png"])
def test_trap_a_file_name_that_breaks_the_header(amazon: S3Backend, name: str) -> None:
    """It goes in ASCII, by the rules for other alphabets, and comes back as it was."""
    told = signed(amazon, filename=name)["response-content-disposition"]

    assert told.isascii()
    assert told.isprintable()
    assert unquote(told.partition("filename*=UTF-8''")[2]) == name


@pytest.fixture
def trusted(request: pytest.FixtureRequest, swift: S3Server) -> Iterator[tuple[Backend, httpx2.Client]]:
    """The store on Swift, which checks signatures, and a client that trusts Swift's certificate."""
    trust = ssl.create_default_context(cafile=str(swift.ca))
    with httpx2.Client(verify=trust, trust_env=False, timeout=30) as client:
        yield s3_on(request, swift), client


def test_a_link_opens_the_object_at_a_real_server(trusted: tuple[Backend, httpx2.Client]) -> None:
    """For whoever has it, under the name that was asked for; one that was changed opens nothing."""
    backend, client = trusted
    put_file(backend, "logo/a.png", b"bytes")
    link = backend.url("logo/a.png", expires_in=60, filename="été.png") or ""
    found, other = client.get(link), client.get(link.replace("/a.png", "/b.png"))

    assert (found.status_code, found.content) == (200, b"bytes")
    assert found.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%C3%A9t%C3%A9.png"
    assert other.status_code in {403, 404}
    assert client.get(link.partition("?")[0]).status_code in {400, 403}


def test_a_link_stops_working(trusted: tuple[Backend, httpx2.Client]) -> None:
    """When its time is over."""
    backend, client = trusted
    put_file(backend, "logo/a.png", b"bytes")
    link = backend.url("logo/a.png", expires_in=1) or ""
    deadline = time.monotonic() + 10
    while client.get(link).status_code == 200 and time.monotonic() < deadline:
        time.sleep(0.2)

    assert client.get(link).status_code == 403
