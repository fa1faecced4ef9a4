"""Where a bucket is: its address at each provider, and the region that requests are signed for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, quote, unquote, urlsplit

from app.settings import S3Settings

BUCKET = re.compile(r"[A-Za-z0-9._-]{3,255}")
REGION = re.compile(r"[A-Za-z0-9-]{1,63}")
HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")  # and perhaps a port
AMAZON = "https://s3.{region}.amazonaws.com"  # the global host redirects requests to young buckets
HOSTABLE = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")  # a dot is beyond certificates, capitals beyond host names

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


@dataclass(frozen=True, slots=True)
class Place:
    """One bucket."""

    root: str  # the bucket's URL, without a slash at the end
    region: str

    @classmethod
    def of(cls, settings: S3Settings) -> Self:
        """As the settings have it; a ValueError names the variable that can't be used."""
        bucket, region = settings.bucket or "", region_of(settings)
        if not BUCKET.fullmatch(bucket):
            raise ValueError(
                "S3_BUCKET is no name of a bucket: letters, digits, dots and hyphens, no s3:// and no path."
            )
        if not REGION.fullmatch(region):
            raise ValueError("The store s3 can't use S3_REGION: no region has such a name.")
        at = _endpoint(settings.endpoint or _amazon(region))
        if style_of(settings) == "virtual":
            at = at._replace(netloc=f"{bucket}.{at.netloc}")
        else:
            at = at._replace(path=f"{at.path}/{bucket}")
        return cls(at.geturl(), region)

    def url(self, key: str, query: Mapping[str, str]) -> str:
        """Of an object, of the bucket itself if the key is empty; parameters without a value are names alone."""
        pairs = (f"{name}={quote(value, safe='-_.~')}" if value else name for name, value in query.items())
        return f"{self.root}/{quote(key, safe='/~')}" + (f"?{'&'.join(pairs)}" if query else "")


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
    fits = VIRTUAL.fullmatch(host) and HOSTABLE.fullmatch(settings.bucket or "")
    return "virtual" if fits else "path"


def _amazon(region: str) -> str:
    return AMAZON.format(region=region) + (".cn" if region.startswith("cn-") else "")


def _endpoint(address: str) -> SplitResult:
    """Written as it is sent, so that what is signed is that: small letters, no port that goes without saying."""
    found = urlsplit(address.rstrip("/"))
    if found.scheme not in {"http", "https"} or not HOST.fullmatch(found.netloc):
        raise ValueError("The store s3 can't use S3_ENDPOINT_URL: it is no address of a server.")
    host = found.netloc.lower().removesuffix(":80" if found.scheme == "http" else ":443")
    return SplitResult(found.scheme, host, quote(unquote(found.path), safe="/~"), "", "")
