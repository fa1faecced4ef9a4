"""What S3's answers say: their XML, and what its refusals mean to us."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree as ET

from app.errors import (
    NoRoom,
    ObjectMissing,
    StorageError,
    StorageRefused,
    StorageUnavailable,
    StoreLimit,
)

MISSING = {"NoSuchKey", "NoSuchUpload"}
MISSING_HEAD = {"404"}  # the answer to a HEAD has no body; elsewhere it is some proxy's page
ELSEWHERE = "The bucket lies in another region or at another endpoint: set S3_REGION, S3_ENDPOINT_URL."
REASONS = {
    "NoSuchBucket": "The bucket does not exist.",
    "AccessDenied": "The store does not let the service's access key do that.",
    "403": "The store does not let the service's access key do that.",
    "InvalidAccessKeyId": "The store does not know the service's access key.",
    "SignatureDoesNotMatch": "The store does not take the service's secret key.",
    "RequestTimeTooSkewed": "The clock of this machine is wrong by more than the store allows.",
    "AccessControlListNotSupported": "The bucket takes no ACLs: unset S3_ACL.",
    "PermanentRedirect": ELSEWHERE,
    "TemporaryRedirect": ELSEWHERE,
    "301": ELSEWHERE,
    "307": ELSEWHERE,
    "AuthorizationHeaderMalformed": "The bucket lies in another region: set S3_REGION.",
    "IllegalLocationConstraintException": "The bucket lies in another region: set S3_REGION.",
}
AWAY = {"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "RequestLimitExceeded", "OperationAborted"}
AWAY |= {"ConditionalRequestConflict", "BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody", "TooManyRequests"}
FULL = {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "507"}
LARGE = {"EntityTooLarge", "413"}
OUTSIDE = {"InvalidRange", "416"}
ASTRAY = {301, 307, 400}  # HTTP statuses that may tell in which region the bucket is
REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")  # as Amazon names them
FORBIDDEN, SKEW = 403, timedelta(minutes=14)  # Amazon forgives 15, and a second or two are lost on the way
REDIRECT, MOVED, TOO_LARGE, TOO_MANY, SERVER_FAULT, NEVER, NO_ROOM = 300, 301, 413, 429, 500, 501, 507  # HTTP


def nonsense() -> StorageUnavailable:
    """A proxy's page, a web site: not what S3 answers."""
    return StorageUnavailable("The store's answer makes no sense: is S3_ENDPOINT_URL an address of S3?")


@dataclass(frozen=True, slots=True)
class Element:
    """A piece of S3's XML."""

    xml: ET.Element

    def text(self, name: str) -> str:
        """What stands in the first one of that name, which must be there."""
        found = self.xml.findtext(name)
        if found is None:
            raise nonsense()
        return found

    def each(self, name: str) -> Iterator["Element"]:
        """Those of that name."""
        return map(Element, self.xml.findall(name))


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    method: str
    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    def header(self, name: str) -> str:
        """One that must be there."""
        found = self.headers.get(name)
        if found is None:
            raise nonsense()
        return found

    def document(self, name: str) -> Element:
        """The XML of an answer that must be of that name. Amazon may say only in the body of a 200 that it failed."""
        root = _parsed(self.body)
        if root is not None and root.tag == "Error":
            raise _refusal(self.code, SERVER_FAULT, MISSING)
        if root is None or root.tag.removesuffix("Result") != name.removesuffix("Result"):  # rclone leaves it out
            raise nonsense()
        return Element(root)

    @property
    def code(self) -> str:
        """What S3 calls the failure; the status where it isn't S3 that speaks, or has no body to speak in."""
        root = _parsed(self.body) if self.body else None
        named = root.findtext("Code") if root is not None and root.tag == "Error" else None
        return named or ("RequestTimeTooSkewed" if self._skewed else str(self.status))

    @property
    def _skewed(self) -> bool:
        """Whether our clock may be why a HEAD is forbidden: its answer has no body to say so."""
        try:
            return self.status == FORBIDDEN and abs(datetime.now(UTC) - moment(self.header("Date"))) > SKEW
        except StorageUnavailable:
            return False

    @property
    def region(self) -> str | None:
        """Where the bucket is, if Amazon says."""
        root = _parsed(self.body) if self.body else None
        told = self.headers.get("x-amz-bucket-region") or (root.findtext("Region") if root is not None else None)
        return told if told and REGION.fullmatch(told) else None

    def refusal(self) -> StorageError:
        """What the failure means. `detail` holds no bucket, key or host."""
        if self.status == MOVED and self.region:
            return StorageRefused(f"The bucket lies in {self.region}: set S3_REGION.")
        missing = MISSING | MISSING_HEAD if self.method == "HEAD" else MISSING
        return _refusal(self.code, self.status, missing)

    def checked(self) -> "Reply":
        """Itself, unless it is a refusal."""
        if self.status >= REDIRECT:
            raise self.refusal()
        return self


def number(text: str) -> int:
    """A size."""
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise nonsense()
    return int(text)


def moment(text: str) -> datetime:
    """As headers or as XML write it, to the second: HEAD tells no fractions."""
    try:
        found = datetime.fromisoformat(text) if text[:1].isdigit() else parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        raise nonsense() from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).replace(microsecond=0)


def _parsed(body: bytes) -> ET.Element | None:
    """Without namespaces, which some servers leave out; None if it is no XML."""
    try:
        root = ET.fromstring(body.strip())  # noqa: S314 - the store is trusted with every byte anyway
    except (ET.ParseError, LookupError, ValueError):  # the last two: of encodings
        return None
    for each in root.iter():
        each.tag = each.tag.rpartition("}")[2]
    return root


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
