"""An S3 server that fails on demand: what real servers do seldom, and what arrived on the wire.

Without a script it is a bucket in memory that checks no signature (Swift does). With one, each request that fits takes
the next answer of it:

    with s3_faults.running() as faults:
        faults.script("PUT", "/logo", [SLOW_DOWN, lost])
"""

import contextlib
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.standins import tls
from tests.standins.s3 import S3Server
from tests.standins.s3_exchange import Exchange, Seen, ThreadedServer
from tests.standins.s3_memory import MemoryS3
from tests.standins.s3_words import Reply, error

BUCKET = "faulty"

Answer = Callable[["Faults", Exchange], None]


@dataclass(frozen=True, slots=True)
class _Rule:
    method: str
    target: re.Pattern[str]
    answers: Iterator[Answer]


class Faults:
    """What the server was asked, what it keeps, and what it is told to do."""

    def __init__(self) -> None:
        self.server: S3Server
        self.memory = MemoryS3(BUCKET)
        self.requests: list[Seen] = []
        self.ending = threading.Event()
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()

    def script(self, method: str, target: str, answers: Iterable[Answer]) -> None:
        """Answers to the requests of a method whose path and query fit a pattern: one each, afterwards all is well.

        `itertools.repeat(SLOW_DOWN)` never ends. The script that was written first goes first.
        """
        with self._lock:
            self._rules.append(_Rule(method, re.compile(target), iter(answers)))

    def heal(self) -> None:
        """Forget every script."""
        with self._lock:
            self._rules.clear()

    def serve(self, exchange: Exchange) -> None:
        """Answer one request as the scripts say."""
        self.requests.append(exchange.seen)
        self._next(exchange)(self, exchange)

    def _next(self, exchange: Exchange) -> Answer:
        with self._lock:
            for rule in self._rules:
                fits = rule.method == exchange.command and rule.target.search(exchange.path)
                if fits and (answer := next(rule.answers, None)):
                    return answer
        return as_usual


@contextlib.contextmanager
def running(folder: Path | None = None) -> Iterator[Faults]:
    """A server on the loopback with the bucket `faulty`; over TLS if there is a folder for certificates."""
    faults, certificates = Faults(), tls.make(folder) if folder else None
    with ThreadedServer(faults.serve, certificates) as server:
        url = f"{'https' if certificates else 'http'}://127.0.0.1:{server.server_port}"
        ca = certificates.ca if certificates else None
        faults.server = S3Server(url, "anybody", secrets.token_hex(20), "us-east-1", ca)
        try:
            yield faults
        finally:
            faults.ending.set()
    if server.surprises:
        raise server.surprises[0]


def as_usual(faults: Faults, exchange: Exchange) -> None:
    """Do it and say so."""
    exchange.reply(_done(faults, exchange))


def lost(faults: Faults, exchange: Exchange) -> None:
    """Do it; the answer gets lost."""
    _done(faults, exchange)
    exchange.drop()


def dropped(_: Faults, exchange: Exchange) -> None:
    """Read the request, then hang up without having done anything."""
    exchange.body()
    exchange.drop()


def reset(_: Faults, exchange: Exchange) -> None:
    """Read the request, then end the connection with a RST, without having done anything."""
    exchange.body()
    exchange.reset()


def cut(after: int) -> Answer:
    """Do it, and hang up after so many bytes of the answer's body; its head promises all of them."""
    return lambda faults, exchange: exchange.reply(_done(faults, exchange), cut=after)


def late(seconds: float, then: Answer = as_usual) -> Answer:
    """Read the request, do nothing for a while, then go on."""

    def answer(faults: Faults, exchange: Exchange) -> None:
        exchange.body()
        faults.ending.wait(seconds)
        then(faults, exchange)

    return answer


def said(reply: Reply, *, early: bool = False) -> Answer:
    """Answer this without doing anything; early = before the body, which stays unread."""

    def answer(_: Faults, exchange: Exchange) -> None:
        if not early:
            exchange.body()
        exchange.reply(reply)

    return answer


def refused(status: int, code: str, *, early: bool = False) -> Answer:
    """An error of S3, for those that have no name below."""
    return said(error(status, code), early=early)


def moved(region: str) -> Answer:
    """The bucket is in another region, says AWS."""
    return said(error(301, "PermanentRedirect", {"x-amz-bucket-region": region}))


def _done(faults: Faults, exchange: Exchange) -> Reply:
    """What the bucket in memory says. Like Ceph before 18, it wants to know a body's length beforehand."""
    request = exchange.asked()
    if "transfer-encoding" in request.headers:
        return error(411, "MissingContentLength")
    return faults.memory.answer(request)


SLOW_DOWN = refused(503, "SlowDown")
INTERNAL_ERROR = refused(500, "InternalError")
NO_ACLS = refused(400, "AccessControlListNotSupported")
ACCESS_DENIED = refused(403, "AccessDenied")
WRONG_SIGNATURE = refused(403, "SignatureDoesNotMatch")
SKEWED_CLOCK = refused(403, "RequestTimeTooSkewed")
NO_BUCKET = refused(404, "NoSuchBucket")
NO_KEY = refused(404, "NoSuchKey")
NO_LENGTH = refused(411, "MissingContentLength")
NOT_IMPLEMENTED = refused(501, "NotImplemented")
DISK_FULL = refused(507, "InsufficientStorage")
BAD_GATEWAY = said(Reply(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", {"Content-Type": "text/html"}))
ERROR_IN_200 = said(Reply(200, error(500, "InternalError").body, {"Content-Type": "application/xml"}))
