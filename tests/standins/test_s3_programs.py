"""Servers that are programs start, end, and say why they don't start; certificates are good for the loopback."""

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.standins import programs, radosgw, swift, tls
from tests.standins.programs import NotStarted, Programs, closed, free_ports, serving

ENVIRONMENT = {"PATH": os.environ["PATH"]}
STUBBORN = "trap '' TERM; sleep 60 & echo started; while true; do sleep 60; done"
SERVE = "import http.server, sys; http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), None).serve_forever()"


def ended(group: int) -> bool:
    """Whether all members of a process group have ended, or do so soon; an orphan may still wait to be buried."""
    deadline = time.monotonic() + 20
    while living := [each for each in Path("/proc").glob("[0-9]*/stat") if member(each, group)]:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return not living


def member(status: Path, group: int) -> bool:
    """Whether a process is of a group, and not a zombie."""
    with contextlib.suppress(OSError):
        state, _, its_group = status.read_text().rpartition(")")[2].split()[:3]
        return int(its_group) == group and state != "Z"
    return False


def children(folder: Path) -> list[int]:
    """Processes whose command line or environment names a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            if os.fsencode(folder) in told and int(process.name) != os.getpid():
                found.append(int(process.name))
    return found


@pytest.mark.parametrize(
    ("running", "count"),
    [(swift.running, 4), pytest.param(radosgw.running, 3, marks=pytest.mark.slow)],
    ids=["swift", "radosgw"],
)
def test_nothing_is_left_of_a_server(running: Callable[..., Iterator[object]], count: int, tmp_path: Path) -> None:
    """All its processes end with the block, also when that fails."""

    def use() -> None:
        with running(tmp_path / "server"):
            assert len(children(tmp_path)) == count
            raise LookupError

    with pytest.raises(LookupError):
        use()
    assert children(tmp_path) == []


def test_what_ignores_a_request_to_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And its children with it."""
    monkeypatch.setattr(programs, "STOP_SECONDS", 0.3)
    log = tmp_path / "stubborn.log"
    with Programs(tmp_path) as running:
        group = running.start("stubborn", ["sh", "-c", STUBBORN], ENVIRONMENT)
        running.wait_for(lambda: "" if log.read_text() else "nothing is said", seconds=30)
        assert member(Path(f"/proc/{group}/stat"), group)

    assert ended(group)


def test_a_program_that_dies_is_quoted(tmp_path: Path) -> None:
    """The error has its name and the end of its log; the others are ended."""
    with Programs(tmp_path) as running:
        group = running.start("patient", ["sleep", "60"], ENVIRONMENT)
        running.start("dying", ["sh", "-c", "echo no such luck; exit 3"], ENVIRONMENT)
        with pytest.raises(NotStarted, match=r"(?s)dying ended; something is missing.*no such luck"):
            running.wait_for(lambda: "something is missing", seconds=30)

    assert ended(group)


def test_waiting_has_an_end(tmp_path: Path) -> None:
    """What isn't ready in time has failed."""
    with Programs(tmp_path) as running:
        running.start("slow", ["sleep", "60"], ENVIRONMENT)
        with pytest.raises(NotStarted, match=r"After 0\.1 s something is missing"):
            running.wait_for(lambda: "something is missing", seconds=0.1)


@pytest.mark.parametrize(("script", "said"), [("echo bad luck >&2; exit 3", "bad luck"), ("sleep 60", "timed out")])
def test_a_step_that_fails_is_quoted(tmp_path: Path, script: str, said: str) -> None:
    """So is one that takes too long."""
    with Programs(tmp_path) as running:
        with pytest.raises(NotStarted, match=said):
            running.run("step", ["sh", "-c", script], ENVIRONMENT, seconds=0.5)
        group = running._running["step"].pid

    assert ended(group)


def test_a_port_that_was_taken_meanwhile_is_no_failure(tmp_path: Path) -> None:
    """The programs are started again, on other ports."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [taken.getsockname()[1], *free_ports(1)]
        tried: list[int] = []

        def start(running: Programs) -> int:
            tried.append(port := ports[len(tried)])
            running.start("web", [sys.executable, "-c", SERVE, str(port)], ENVIRONMENT)
            # On the first port somebody else answers.
            running.wait_for(lambda: "it is another's" if port == ports[0] else closed([port]), seconds=30)
            return port

        with serving(tmp_path, start) as port:
            assert (tried, port) == (ports, ports[1])


def test_without_swift_the_tests_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They fail; they are not skipped."""
    monkeypatch.setattr(swift, "ENVIRONMENT", tmp_path / ".venv-swift")

    with pytest.raises(RuntimeError, match="`make test` installs it"), swift.running(tmp_path):
        pass


def test_without_radosgw_the_tests_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They fail, and name the packages."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with (
        pytest.raises(RuntimeError, match=r"radosgw-admin not found.*apt install .*ceph-mon"),
        radosgw.running(tmp_path),
    ):
        pass


@pytest.mark.parametrize(("name", "trusted"), [("127.0.0.1", True), ("localhost", True), ("127.0.0.2", False)])
def test_certificates_are_good_for_the_loopback(tmp_path: Path, name: str, trusted: bool) -> None:  # noqa: FBT001
    """And for nothing else, by the rules at their strictest."""
    files = tls.make(tmp_path)
    serve, trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=files.ca)
    serve.load_cert_chain(files.certificate, files.key)
    trust.verify_flags |= ssl.VERIFY_X509_STRICT
    ends = [ssl.MemoryBIO(), ssl.MemoryBIO()]
    server, client = serve.wrap_bio(*ends, server_side=True), trust.wrap_bio(*reversed(ends), server_hostname=name)

    with contextlib.nullcontext() if trusted else pytest.raises(ssl.SSLCertVerificationError):
        for side in (client, server, client):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
        assert client.version() == "TLSv1.3"


def test_another_authority_is_not_trusted(tmp_path: Path) -> None:
    """Each run has its own; the keys can be read by their owner only."""
    ours, other = tls.make(tmp_path / "ours"), tls.make(tmp_path / "other")

    verified = subprocess.run(
        ["openssl", "verify", "-CAfile", other.ca, ours.certificate], capture_output=True, check=False
    )
    assert verified.returncode != 0
    assert ours.key.stat().st_mode & 0o077 == 0
