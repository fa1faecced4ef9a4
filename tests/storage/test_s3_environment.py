"""What else the environment says to S3 SDKs neither changes the store nor keeps the service from starting."""

import itertools
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.errors import StorageUnavailable
from app.settings import S3Settings, Settings
from app.storage import registry
from app.storage.retrying import Patience
from app.storage.s3_client import S3Client
from tests.standins import s3_faults
from tests.standins.s3_faults import BUCKET, Faults
from tests.storage.backends import put, read
from tests.storage.faulty import KEY_ID, SECRET, s3_on, s3_settings

NOWHERE = "http://127.0.0.1:9"
STRAY = """
[default]
region = af-south-1
endpoint_url = http://127.0.0.1:9
aws_access_key_id = OTHER
aws_secret_access_key = other
max_attempts = 9
retry_mode = adaptive
use_fips_endpoint = true
use_dualstack_endpoint = true
request_checksum_calculation = when_supported
defaults_mode = mobile
s3 =
  addressing_style = path
  use_accelerate_endpoint = true
  payload_signing_enabled = false
  use_arn_region = nonsense
"""

RUBBISH = "this is : [ no configuration\n= =\n["

# What leads the SDK elsewhere or breaks its start, as platforms, presets and laptops have it.
VARIABLES = {
    "endpoints": {"AWS_ENDPOINT_URL": NOWHERE, "AWS_ENDPOINT_URL_S3": NOWHERE, "AWS_ENDPOINT_URL_STS": NOWHERE},
    "a profile": {"AWS_PROFILE": "nonsense"},
    "an old profile": {"AWS_DEFAULT_PROFILE": "nonsense"},
    "regions": {"AWS_DEFAULT_REGION": "af-south-1", "AWS_REGION": "af-south-1", "AWS_SIGV4A_SIGNING_REGION_SET": "x"},
    "empty": dict.fromkeys(["AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_PROFILE"], ""),
    "no authorities": {"AWS_CA_BUNDLE": "", "REQUESTS_CA_BUNDLE": ""},
    "hosts": {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
    "old hosts": {"AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "nonsense", "AWS_STS_REGIONAL_ENDPOINTS": "nonsense"},
    "modes": {"AWS_DEFAULTS_MODE": "nonsense", "AWS_RETRY_MODE": "nonsense", "AWS_MAX_ATTEMPTS": "many"},
    "accounts": {"AWS_ACCOUNT_ID_ENDPOINT_MODE": "nonsense", "AWS_ROLE_ARN": "x", "AWS_WEB_IDENTITY_TOKEN_FILE": "/x"},
    "sizes": {"AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": "nonsense", "AWS_REQUEST_CHECKSUM_CALCULATION": "nonsense"},
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a folder for the SDK's files."""
    (tmp_path / ".aws").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def check_untouched(settings: S3Settings) -> None:
    """The client is ours: host, region, credentials, one try."""
    link = urlsplit(S3Client(settings).link(60, "a/b"))

    assert link.netloc == f"{BUCKET}.s3.eu-west-1.amazonaws.com"
    assert f"X-Amz-Credential={KEY_ID}%2F" in link.query
    assert "%2Feu-west-1%2Fs3%2F" in link.query


@pytest.mark.parametrize("variables", VARIABLES.values(), ids=VARIABLES)
def test_trap_a_stray_variable_leads_the_client_astray(
    variables: dict[str, str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else is set: our settings alone count."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    check_untouched(s3_settings(region="eu-west-1", endpoint=None))


@pytest.mark.parametrize(
    ("where", "content"),
    [
        ("AWS_CONFIG_FILE", STRAY),
        ("~/.aws/config", STRAY),
        ("AWS_SHARED_CREDENTIALS_FILE", RUBBISH),
        ("~/.aws/credentials", RUBBISH),
        ("~/.aws/config", RUBBISH),
    ],
    ids=["named settings", "settings", "named rubbish", "rubbish", "more rubbish"],
)
def test_trap_a_configuration_file_of_the_machine(
    where: str, content: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not read: neither what it says nor that it can't be read matters."""
    file = home / ".aws" / where.rpartition("/")[2]
    file.write_text(content)
    if where.startswith("AWS_"):
        monkeypatch.setenv(where, str(file))

    check_untouched(s3_settings(region="eu-west-1"))


def test_files_that_are_not_there_are_no_matter(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths of another machine, copied with the rest."""
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_DATA_PATH"):
        monkeypatch.setenv(variable, str(home / "nothing"))

    check_untouched(s3_settings(region="eu-west-1"))


def test_trap_tries_of_the_sdk_multiply_ours(running: Faults, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A try is one request, whatever the machine says of attempts."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "9")
    monkeypatch.setenv("AWS_RETRY_MODE", "legacy")
    backend = s3_on(
        running,
        client=S3Client(s3_settings(endpoint=running.server.url)),
        quick=Patience(seconds=20, tries=2, pause=0.01),
    )
    running.requests.clear()
    running.script("HEAD", "", itertools.repeat(s3_faults.SLOW_DOWN))
    with pytest.raises(StorageUnavailable):
        backend.stat("a/b")
    running.heal()

    assert len(running.requests) == 2


def test_trap_the_region_variable_that_the_sdk_ignores(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK reads AWS_DEFAULT_REGION only, and takes us-east-1 without it; AWS_REGION is ours to read."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    settings = S3Settings(bucket=BUCKET, access_key=KEY_ID, secret_key=SECRET)

    check_untouched(settings)


def test_trap_an_empty_region_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty, it makes the SDK's host `s3..amazonaws.com`; here it counts as not set."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "")
    with pytest.raises(ValueError, match="S3_REGION"):
        S3Client(S3Settings(bucket=BUCKET, access_key=KEY_ID, secret_key=SECRET))


@pytest.mark.parametrize(
    "names",
    [
        ("BUCKET", "REGION", "ENDPOINT", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY"),
        ("AWS_S3_BUCKET_NAME", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("SUPABASE_STORAGE_BUCKET", "S3_REGION", "S3_ENDPOINT_URL", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"),
    ],
    ids=["Railway's references", "Railway's presets", "Supabase"],
)
def test_the_variables_of_a_platform_lead_to_its_server(
    names: tuple[str, ...], running: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they are, nothing else: a put arrives and can be read."""
    for name, value in zip(names, (BUCKET, "us-east-1", running.server.url, KEY_ID, SECRET), strict=True):
        monkeypatch.setenv(name, value)
    settings = Settings()
    backend = registry.make(settings.store, settings)
    put(backend, "a/b", b"bytes")

    assert read(backend, "a/b") == b"bytes"
    assert running.memory.objects["a/b"].body == b"bytes"


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_authorities_that_cannot_be_read_are_named(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the service starts, not at the first upload."""
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(file))
    with pytest.raises(ValueError, match="AWS_CA_BUNDLE"):
        S3Client(s3_settings(region="eu-west-1"))


def test_the_machines_authorities_are_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_CA_BUNDLE is the one variable of SDKs that counts: who may say which server is the right one."""
    with s3_faults.running(tmp_path) as faults:
        stranger = s3_on(faults, client=S3Client(s3_settings(endpoint=faults.server.url)))
        with pytest.raises(StorageUnavailable):
            stranger.ping()
        monkeypatch.setenv("AWS_CA_BUNDLE", str(faults.server.ca))
        s3_on(faults, client=S3Client(s3_settings(endpoint=faults.server.url))).ping()
