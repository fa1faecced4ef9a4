"""Servers of the clouds for the whole run, and the settings that lead to them."""

from collections.abc import Iterator

import pytest

from app.settings import CloudinarySettings, S3Settings
from tests.standins import radosgw as rados
from tests.standins import swift as openstack
from tests.standins.cloudinary.cloud import Cloud, running
from tests.standins.s3 import S3Server, new_bucket


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """OpenStack Swift, over TLS."""
    with openstack.running(tmp_path_factory.mktemp("swift")) as server:
        yield server


@pytest.fixture(scope="session")
def radosgw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Ceph's gateway."""
    with rados.running(tmp_path_factory.mktemp("radosgw")) as server:
        yield server


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """A Cloudinary stand-in, empty."""
    with running() as cloud:
        yield cloud


def s3_settings(server: S3Server, **more: object) -> S3Settings:
    """A new bucket on a server."""
    return S3Settings(
        bucket=new_bucket(server),
        region=server.region,
        endpoint=server.url,
        access_key=server.access_key,
        secret_key=server.secret_key,
        **more,
    )


def cloudinary_settings(cloud: Cloud) -> CloudinarySettings:
    """The stand-in's account."""
    return CloudinarySettings(cloud=cloud.cloud_name, key=cloud.api_key, secret=cloud.api_secret, prefix=cloud.url)


def environment_of(store: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """The variables that lead a service in a process of its own to a store."""
    if store == "s3":
        server = request.getfixturevalue("swift")
        return {
            "STORAGE_BACKEND": "s3",
            "S3_BUCKET": new_bucket(server),
            "S3_REGION": server.region,
            "S3_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "AWS_CA_BUNDLE": str(server.ca),
        }
    if store == "cloudinary":
        cloud = request.getfixturevalue("cloud")
        at = f"{cloud.api_key}:{cloud.api_secret}@{cloud.cloud_name}"
        return {"STORAGE_BACKEND": "cloudinary", "CLOUDINARY_URL": f"cloudinary://{at}?upload_prefix={cloud.url}"}
    return {}
