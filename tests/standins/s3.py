"""What every S3 server of the tests is: an address, credentials, and buckets on demand."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError


@dataclass(frozen=True, slots=True)
class S3Server:
    """Where a server is and who may use it; `ca` is a file with whom to trust, None without TLS."""

    url: str
    access_key: str
    secret_key: str
    region: str
    ca: Path | None


def client(server: S3Server, *, access_key: str = "", secret_key: str = "", **config: Any) -> Any:
    """A boto3 client, with other credentials and settings on request. It neither retries nor adds checksums."""
    settings = {
        "signature_version": "s3v4",
        "s3": {"addressing_style": "path", "payload_signing_enabled": True},
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
        "retries": {"total_max_attempts": 1},
        "connect_timeout": 10,
        "read_timeout": 60,
    }
    return boto3.client(
        "s3",
        endpoint_url=server.url,
        region_name=server.region,
        aws_access_key_id=access_key or server.access_key,
        aws_secret_access_key=secret_key or server.secret_key,
        verify=str(server.ca) if server.ca else None,
        config=Config(**(settings | config)),
    )


def new_bucket(server: S3Server) -> str:
    """The name of a new, empty bucket."""
    name = f"test-{secrets.token_hex(8)}"
    s3 = client(server)
    try:
        s3.create_bucket(Bucket=name)
    finally:
        s3.close()
    return name


def unanswered(asking: Any) -> str:
    """Why a client is not served, in words; "" if it is."""
    try:
        asking.list_buckets()
    except (BotoCoreError, ClientError) as no:
        return f"there is no answer ({no})"
    return ""
