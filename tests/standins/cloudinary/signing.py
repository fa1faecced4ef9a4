"""Who may call: signatures of the Upload API, basic authentication of the Admin API, signed delivery addresses."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.standins.cloudinary.parameters import UNSIGNED
from tests.standins.cloudinary.wire import Call, Refused

if TYPE_CHECKING:
    from tests.standins.cloudinary.cloud import Account

HOUR = 3600
SHA1_HEX, SHA256_HEX = 40, 64  # characters: the length tells the algorithm
SHORT, LONG = 8, 32  # characters of a delivery signature


def string_to_sign(fields: Mapping[str, str]) -> str:
    """Version 2: sorted `k=v`, each with & as %26, joined by &. Blank values are left out, as the SDKs do."""
    signed = {name: value for name, value in fields.items() if name not in UNSIGNED and value}
    return "&".join(sorted(f"{name}={value}".replace("&", "%26") for name, value in signed.items()))


def response_signature(public_id: str, version: int, secret: str) -> str:
    """What an answer is signed with: version 1 rules over public_id and version."""
    return hashlib.sha1(f"public_id={public_id}&version={version}{secret}".encode()).hexdigest()


def check_cloud(call: Call, account: "Account") -> None:
    """An unknown cloud name is a 401."""
    if call.cloud != account.cloud_name:
        raise Refused(401, f"Invalid cloud_name {call.cloud}")


def check_call(call: Call, account: "Account") -> None:
    """Refuse a call of the Upload API that isn't signed by the account's secret; its age is checked elsewhere."""
    check_cloud(call, account)
    if "signature" not in call.fields and "api_key" not in call.fields:
        raise Refused(400, "Upload preset must be specified when using unsigned upload")
    for name in ("api_key", "timestamp", "signature"):
        if not call.fields.get(name):
            raise Refused(400, f"Missing required parameter - {name}")
    if call.fields["api_key"] != account.api_key:
        raise Refused(401, f"Unknown API key {call.fields['api_key']}")
    given, wanted = call.fields["signature"], string_to_sign(call.fields)
    algorithm = {SHA1_HEX: hashlib.sha1, SHA256_HEX: hashlib.sha256}.get(len(given))
    if algorithm is None or not _same(given, algorithm((wanted + account.api_secret).encode()).hexdigest()):
        raise Refused(401, f"Invalid Signature {given}. String to sign - '{wanted}'.")


def read_time(call: Call, name: str) -> int:
    """A time in seconds, or 400."""
    value = call.fields[name]
    if not value.isascii() or not value.isdigit():
        raise Refused(400, f"Invalid value {value} for parameter {name}")
    return int(value)


def check_age(call: Call, now: float) -> None:
    """A signature is good for an hour. One from more than an hour ahead is refused too: ours, not documented."""
    timestamp = read_time(call, "timestamp")
    if now - timestamp > HOUR:
        raise Refused(400, f"Stale request - reported time is {_moment(timestamp)} which is more than 1 hour ago")
    if timestamp - now > HOUR:
        raise Refused(400, f"Stale request - reported time is {_moment(timestamp)} which is in the future")


def check_basic(call: Call, account: "Account") -> None:
    """The Admin API takes key and secret as they are."""
    scheme, _, value = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise Refused(401, "Missing authorization", {"WWW-Authenticate": 'Basic realm="Cloudinary"'})
    try:
        key, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        raise Refused(401, "Invalid credentials") from None
    if call.cloud != account.cloud_name:
        raise Refused(401, "cloud_name mismatch")
    if key != account.api_key:
        raise Refused(401, "unknown api_key")
    if not _same(secret, account.api_secret):
        raise Refused(401, "api_secret mismatch")


def delivery_signature(source: str, secret: str, *, long: bool = False) -> str:
    """The `s--…--` of a delivery address; the version is not signed."""
    digest = hashlib.new("sha256" if long else "sha1", (source + secret).encode()).digest()
    return base64.urlsafe_b64encode(digest).decode()[: LONG if long else SHORT]


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _moment(timestamp: int) -> str:
    try:
        return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S +0000")
    except (OverflowError, ValueError, OSError):
        return str(timestamp)
