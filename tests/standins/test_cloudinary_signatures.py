"""The Cloudinary stand-in lets in who has signed with the account's secret, and nobody else."""

import hashlib
import io
import time
from collections.abc import Iterator

import cloudinary
import cloudinary.exceptions
import cloudinary.uploader
import pytest
from cloudinary.utils import verify_api_response_signature

from tests.standins.cloudinary.callers import message, opened, post, send, signed
from tests.standins.cloudinary.cloud import Cloud


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """A Cloudinary of our own."""
    with opened() as cloud:
        yield cloud


def test_a_wrong_secret_is_refused(cloud):
    """401, and the sentence repeats the signature and what was to be signed; nothing is stored."""
    fields = signed(cloud, secret="another", public_id="x")

    answer = post(cloud, "raw/upload", fields, b"bytes")

    wanted = f"String to sign - 'public_id=x&timestamp={fields['timestamp']}'."
    assert (answer.status_code, message(answer)) == (401, f"Invalid Signature {fields['signature']}. {wanted}")
    assert cloud.assets == {}


def test_the_sdk_raises_for_a_wrong_secret(cloud):
    """The SDK tells it as AuthorizationRequired."""
    options = {**cloud.options, "api_secret": "another", "resource_type": "raw"}

    with pytest.raises(cloudinary.exceptions.AuthorizationRequired, match="Invalid Signature"):
        cloudinary.uploader.upload(io.BytesIO(b"bytes"), public_id="x", **options)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_both_algorithms_are_taken(cloud, algorithm):
    """SHA-1 and SHA-256, told apart by their length."""
    options = {**cloud.options, "resource_type": "raw", "signature_algorithm": algorithm}

    stored = cloudinary.uploader.upload(io.BytesIO(b"bytes"), public_id="x", tags=["a & b"], **options)

    assert stored["tags"] == ["a & b"]


def test_an_ampersand_is_signed_as_its_code(cloud):
    """Version 1 signed & as it is, which let a value smuggle in parameters: refused. Version 2 is taken."""
    old = post(cloud, "raw/upload", signed(cloud, version=1, public_id="x", tags="a&type=private"), b"bytes")
    new = post(cloud, "raw/upload", signed(cloud, version=2, public_id="x", tags="a&type=private"), b"bytes")

    assert (old.status_code, new.status_code) == (401, 200)
    assert [key[1] for key in cloud.assets] == ["upload"]


def test_a_smuggled_parameter_is_refused(cloud):
    """A signature for the name `x&tags=b` doesn't serve for the name x with the tag b, as it did in version 1."""
    parts = {"public_id": "x", "tags": "b"}
    fields = signed(cloud, version=2, public_id="x&tags=b") | parts

    assert signed(cloud, version=1, public_id="x&tags=b")["signature"] == signed(cloud, **parts)["signature"]
    assert post(cloud, "raw/upload", fields, b"bytes").status_code == 401


@pytest.mark.parametrize("added", [{"overwrite": "0"}, {"type": "private"}, {"tags": "b"}])
def test_every_field_is_signed(cloud, added):
    """A field that was added or changed after signing is refused."""
    answer = post(cloud, "raw/upload", signed(cloud, public_id="x", tags="a") | added, b"bytes")

    assert answer.status_code == 401


def test_the_address_and_the_key_are_not_signed(cloud):
    """resource_type and cloud_name may be sent along, unsigned."""
    extra = {"resource_type": "raw", "cloud_name": cloud.cloud_name}

    assert post(cloud, "raw/upload", signed(cloud, public_id="x") | extra, b"bytes").status_code == 200


def test_a_blank_value_is_not_signed(cloud):
    """The SDKs leave it out of the signature, so it is left out here."""
    assert post(cloud, "raw/upload", signed(cloud, public_id="x") | {"tags": ""}, b"bytes").status_code == 200


def test_a_key_of_nobody_is_refused(cloud):
    """401 with the vendor's words."""
    answer = post(cloud, "raw/upload", signed(cloud, public_id="x") | {"api_key": "999"}, b"bytes")

    assert (answer.status_code, message(answer)) == (401, "Unknown API key 999")


def test_a_cloud_of_nobody_is_refused(cloud):
    """401 with the vendor's words, for uploads and destroys."""
    options = {**cloud.options, "cloud_name": "elsewhere"}

    with pytest.raises(cloudinary.exceptions.AuthorizationRequired, match="Invalid cloud_name elsewhere"):
        cloudinary.uploader.upload(io.BytesIO(b"bytes"), **options)
    with pytest.raises(cloudinary.exceptions.AuthorizationRequired, match="Invalid cloud_name elsewhere"):
        cloudinary.uploader.destroy("x", **options)


def test_a_signature_is_good_for_an_hour(cloud):
    """After that the request is stale: 400, for uploads and destroys."""
    send(cloud, b"bytes", public_id="x", timestamp=str(int(time.time()) - 3500)).raise_for_status()
    old = signed(cloud, public_id="x", timestamp="1481774573")

    upload, destroy = post(cloud, "raw/upload", old, b"bytes"), post(cloud, "raw/destroy", old)

    stale = "Stale request - reported time is 2016-12-15 04:02:53 +0000 which is more than 1 hour ago"
    assert (upload.status_code, message(upload)) == (400, stale)
    assert (destroy.status_code, message(destroy)) == (400, stale)
    assert len(cloud.assets) == 1


def test_time_can_be_let_pass(cloud):
    """What was signed now is stale an hour later."""
    fields = signed(cloud, public_id="x")
    cloud.advance(3605)

    assert post(cloud, "raw/upload", fields, b"bytes").status_code == 400


def test_a_signature_of_the_future_is_refused(cloud):
    """More than an hour ahead: 400; a clock that is a little fast is forgiven."""
    ahead = send(cloud, b"bytes", public_id="x", timestamp=str(int(time.time()) + 3700))
    fast = send(cloud, b"bytes", public_id="y", timestamp=str(int(time.time()) + 60))

    assert (ahead.status_code, fast.status_code) == (400, 200)
    assert message(ahead).startswith("Stale request")


@pytest.mark.parametrize("value", ["", "yesterday", "-5", "٣"])
def test_a_time_that_is_none_is_refused(cloud, value):
    """400."""
    assert send(cloud, b"bytes", public_id="x", timestamp=value).status_code == 400


@pytest.mark.parametrize("name", ["api_key", "signature"])
def test_half_a_signature_is_refused(cloud, name):
    """A call without its key or without its signature is a 400."""
    fields = signed(cloud, public_id="x")
    del fields[name]

    answer = post(cloud, "raw/upload", fields, b"bytes")

    assert (answer.status_code, message(answer)) == (400, f"Missing required parameter - {name}")


def test_an_unsigned_call_is_refused(cloud):
    """There are no presets here."""
    answer = post(cloud, "raw/upload", {"public_id": "x"}, b"bytes")

    assert (answer.status_code, message(answer)) == (
        400,
        "Upload preset must be specified when using unsigned upload",
    )


def test_answers_are_signed(cloud):
    """The SDK verifies public_id and version of an answer; by hand it is the same."""
    stored = cloudinary.uploader.upload(io.BytesIO(b"bytes"), public_id="a b", resource_type="raw", **cloud.options)
    text = f"public_id=a b&version={stored['version']}{cloud.api_secret}"

    cloudinary.config(api_secret=cloud.api_secret)
    assert verify_api_response_signature("a b", stored["version"], stored["signature"])
    assert stored["signature"] == hashlib.sha1(text.encode()).hexdigest()
