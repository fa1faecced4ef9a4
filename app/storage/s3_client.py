"""The one file that knows the S3 SDK: a client made from our settings alone, and what its errors mean."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import boto3.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as READ_BY_BOTOCORE
from botocore.exceptions import ClientError, ConnectTimeoutError, HTTPClientError, ReadTimeoutError
from botocore.session import Session

from app.errors import (
    NoRoom,
    ObjectMissing,
    StorageError,
    StorageRefused,
    StorageTimeout,
    StorageUnavailable,
    StoreLimit,
)
from app.settings import S3Settings

# The SDK's own variables and files change hosts and break starts. It is to read none of them.
BLIND = {name: (None, None, default, cast) for name, (_, _, default, cast) in READ_BY_BOTOCORE.items()}
BLIND |= {"config_file": (None, None, None, None), "credentials_file": (None, None, None, None)}

CONNECT_SECONDS, READ_SECONDS = 5, 30
CONNECTIONS = 32
ARN_OR_DOTTED = re.compile(r"[.:/]")  # bucket names that no TLS certificate covers as a host name

# host of the endpoint -> the region that it means; its first group where the name tells it
REGIONS = {
    r"(?:.+\.)?(?:storage\.railway\.app|storageapi\.dev|t3\.storage\.dev|fly\.storage\.tigris\.dev)": "auto",
    r".+\.r2\.cloudflarestorage\.com": "auto",
    r"s3\.([a-z0-9-]+)\.backblazeb2\.com": r"\1",
    r"s3[.-]([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?": r"\1",
}
VIRTUAL = re.compile(
    r"(?:.+\.)?(?:storage\.railway\.app|storageapi\.dev|t3\.storage\.dev|fly\.storage\.tigris\.dev|amazonaws\.com(?:\.cn)?)"
)

MISSING = {"NoSuchKey", "NoSuchUpload"}
MISSING_HEAD = {"404", "NotFound"}  # the answer to a HEAD has no body; elsewhere it is some proxy's page
REASONS = {
    "NoSuchBucket": "The bucket does not exist.",
    "AccessDenied": "The store does not let the service's access key do that.",
    "403": "The store does not let the service's access key do that.",
    "InvalidAccessKeyId": "The store does not know the service's access key.",
    "SignatureDoesNotMatch": "The store does not take the service's secret key.",
    "RequestTimeTooSkewed": "The clock of this machine is wrong by more than the store allows.",
    "AccessControlListNotSupported": "The bucket takes no ACLs: unset S3_ACL.",
    "PermanentRedirect": "The bucket lies in another region or at another endpoint: set S3_REGION, S3_ENDPOINT_URL.",
    "AuthorizationHeaderMalformed": "The bucket lies in another region: set S3_REGION.",
    "IllegalLocationConstraintException": "The bucket lies in another region: set S3_REGION.",
}
AWAY = {"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "RequestLimitExceeded", "OperationAborted"}
AWAY |= {"ConditionalRequestConflict", "BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody", "TooManyRequests"}
FULL = {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "507"}
LARGE = {"EntityTooLarge", "413"}
OUTSIDE = {"InvalidRange", "416"}
PARTIAL, TOO_LARGE, TOO_MANY, SERVER_FAULT, NEVER, NO_ROOM = 206, 413, 429, 500, 501, 507  # HTTP statuses

# What an answer must tell to be one of S3's.
TOLD = {
    "put_object": ("ETag",),
    "upload_part": ("ETag",),
    "create_multipart_upload": ("UploadId",),
    "complete_multipart_upload": ("ETag",),
    "head_object": ("ETag", "LastModified", "ContentLength"),
    "get_object": ("ETag",),
    "list_objects_v2": ("IsTruncated",),
    "list_multipart_uploads": ("IsTruncated",),
}


class S3Client:
    """One client for the life of the process; it is thread-safe, and raises only `StorageError`s."""

    def __init__(self, settings: S3Settings) -> None:
        assert settings.access_key and settings.secret_key  # noqa: S101, PT018 - the backend has asked for them
        token = settings.session_token
        with _named():
            self._sdk = boto3.session.Session(botocore_session=Session(session_vars=BLIND)).client(
                "s3",
                region_name=region_of(settings),
                endpoint_url=settings.endpoint,
                aws_access_key_id=settings.access_key.get_secret_value(),
                aws_secret_access_key=settings.secret_key.get_secret_value(),
                aws_session_token=token.get_secret_value() if token else None,
                verify=_authorities(),
                config=_config(settings),
            )

    def call(self, operation: str, **arguments: Any) -> Any:
        """One try of one operation, as the SDK names it."""
        with translated():
            found = getattr(self._sdk, operation)(**arguments)
        if any(found.get(name) is None for name in TOLD.get(operation, ())):  # a proxy's page, a web site
            if "Body" in found:
                found["Body"].close()
            raise StorageUnavailable("The store's answer makes no sense: is S3_ENDPOINT_URL an address of S3?")
        return found

    def get(self, start: int, end: int | None, **target: str) -> tuple["Answer", int | None] | None:
        """The body of a GET and its length in bytes, if the store says; None when the object has no such range."""
        wanted = {} if (start, end) == (0, None) else {"Range": f"bytes={start}-{'' if end is None else end - 1}"}
        try:
            found = self.call("get_object", **target, **wanted)
        except StorageRefused as refusal:
            if _code(refusal.__cause__) in OUTSIDE:
                return None
            raise
        if wanted and found["ResponseMetadata"]["HTTPStatusCode"] != PARTIAL:
            found["Body"].close()
            raise StorageRefused("The store does not know ranges.")
        return Answer(found["Body"]), found.get("ContentLength")

    def link(self, seconds: int, **arguments: Any) -> str:
        """A signed URL of an object. No network."""
        with translated():
            signed: str = self._sdk.generate_presigned_url("get_object", Params=arguments, ExpiresIn=seconds)
        return signed


class Answer:
    """A body under way."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        with translated():
            data: bytes = self._body.read(size)
        return data

    def close(self) -> None:
        """Give the connection back."""
        self._body.close()


def region_of(settings: S3Settings) -> str:
    """What is set, or what the endpoint's name says; it is never guessed: a wrong one fails in odd ways."""
    if settings.region:
        return settings.region
    host = urlsplit(settings.endpoint or "").hostname or ""
    for pattern, region in REGIONS.items():
        if match := re.fullmatch(pattern, host):
            return match.expand(region)
    raise ValueError("The store s3 needs S3_REGION (or AWS_REGION, AWS_S3_REGION_NAME): the bucket's region.")


def style_of(settings: S3Settings) -> str:
    """`virtual` where the provider wants the bucket in the host name, `path` where it must not or can't be there."""
    if settings.addressing != "auto":
        return settings.addressing
    host = urlsplit(settings.endpoint or "https://s3.amazonaws.com").hostname or ""
    fits = VIRTUAL.fullmatch(host) and not ARN_OR_DOTTED.search(settings.bucket or "")
    return "virtual" if fits else "path"


def _authorities() -> str | bool:
    """The file that says whom to trust, or the usual ones; platforms set variables to nothing."""
    named = (os.environ.get(name, "").strip() for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"))
    return next(filter(None, named), True)


@contextmanager
def translated() -> Iterator[None]:
    """Whatever the SDK raises becomes one of ours."""
    try:
        yield
    except StorageError:
        raise
    except Exception as failure:
        raise _meaning(failure) from failure


def _config(settings: S3Settings) -> Config:
    """Checksum trailers only where the protocol needs them: several servers refuse or even store them."""
    return Config(
        signature_version="s3v4",
        s3={
            "addressing_style": style_of(settings),
            "payload_signing_enabled": True,
            "us_east_1_regional_endpoint": "regional",
        },
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=CONNECTIONS,
        tcp_keepalive=True,
        retries={"mode": "standard", "total_max_attempts": 1},  # `Patience` has one deadline for all tries
        ignore_configured_endpoint_urls=True,
        user_agent_extra="stowage",
    )


@contextmanager
def _named() -> Iterator[None]:
    """What the SDK says of settings, as the refusal to start."""
    try:
        yield
    except Exception as wrong:
        raise ValueError(f"The settings of the store s3 can't be used: {wrong}") from wrong


def _meaning(failure: Exception) -> StorageError:
    """The table of errors. `detail` holds no bucket, key or host."""
    match failure:
        case ClientError():
            status = failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            headed = failure.operation_name.startswith("Head")
            return _refusal(_code(failure), status, MISSING | MISSING_HEAD if headed else MISSING)
        case ReadTimeoutError() | ConnectTimeoutError():
            return StorageTimeout()
        case HTTPClientError() if isinstance(inner := failure.kwargs.get("error"), StorageError):
            return inner  # our own body said that the time is over
        case _:
            return StorageUnavailable(f"The store could not be talked to ({type(failure).__name__}).")


def _refusal(code: str, status: int, missing: set[str]) -> StorageError:
    if code in missing:
        return ObjectMissing()
    if code in FULL or status == NO_ROOM:
        return NoRoom()
    if code in LARGE or status == TOO_LARGE:
        return StoreLimit()
    told = code if re.fullmatch(r"[A-Za-z0-9]{1,64}", code) else str(status)
    if code in AWAY or status == TOO_MANY or (status >= SERVER_FAULT and status != NEVER):
        return StorageUnavailable(f"The store cannot answer at the moment ({told}).")
    return StorageRefused(REASONS.get(code, f"The store refused ({told})."))


def _code(failure: BaseException | None) -> str:
    return str(failure.response.get("Error", {}).get("Code", "")) if isinstance(failure, ClientError) else ""
