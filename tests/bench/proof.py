"""Proof that the service did its work: rows, files, commits and fsyncs counted, every byte read back. Not timed."""

import contextlib
import http.client
import json
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.bench.client import Loop
from tests.bench.payload import big
from tests.bench.plan import CONNECTIONS, Plan
from tests.bench.servers.rack import Rack
from tests.bench.target import Target
from tests.bench.workloads.pictures import Sending

FILE = 40 << 20  # bytes of the one large upload: it is spooled, and sent to S3 in parts
OURS = {".stowage", ".spool"}  # what the local store keeps for itself
CALLS = ("fsync", "fdatasync")
COUNTED = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", re.MULTILINE)
SECONDS = 10
READY = "SELECT count(*) FROM assets WHERE state = 'ready'"


@dataclass
class Proof:
    """What was counted for one server; `complaints` says what doesn't fit."""

    server: str
    requests: int = 0
    rows: int = 0
    objects: int = 0
    equal: int = 0
    fsyncs: int | None = None
    commits: int | None = None
    writes: int | None = None
    complaints: list[str] = field(default_factory=list)

    def row(self) -> str:
        """As a row of the table."""
        counted = (self.fsyncs, self.commits, self.writes)
        each = [self.requests, self.rows, self.objects, self.equal, *map(_shown, counted)]
        return f"| {self.server} | {' | '.join(map(str, each))} |"

    def judge(self, *, synced: bool) -> None:
        """Whatever was acknowledged must be there; a local file has an fsync of its own, and its folder another."""
        if not self.requests == self.rows == self.objects == self.equal:
            self.complaints.append("requests, rows, objects and equal bytes differ in number")
        if synced and self.fsyncs is not None and self.fsyncs < self.requests:
            self.complaints.append(f"only {self.fsyncs} fsyncs")


def proven(name: str, rack: Rack, plan: Plan) -> Proof:
    """Send files to a server that has none yet, and count what became of them."""
    proof = Proof(name)
    with rack.one(name) as target:
        before = _commits(target) if target.database else None
        with _syncs_counted(target.pid, proof):
            compare = _send(target, plan, proof)
        if before is not None:
            after = _commits(target)
            proof.commits, proof.writes = after[0] - before[0], after[1] - before[1]
        proof.rows, proof.objects = _rows(target), _objects(target)
        for differences in compare():
            proof.complaints += differences
            proof.equal += not differences
    proof.judge(synced=name.startswith("local"))
    return proof


def table(proofs: list[Proof]) -> str:
    """What was counted, as Markdown."""
    head = "| server | requests | rows | objects | read back equal | fsyncs | commits | of these wrote |"
    lines = ["### Proof of the work", "", "A run of its own, not timed; one of the files has 40 MiB.", ""]
    return "\n".join([*lines, head, "|---" * 8 + "|", *(proof.row() for proof in proofs)])


def durable(server: str) -> str:
    """What Postgres promises in this run."""
    with psycopg.connect(server) as connection:
        shown = [connection.execute(f"SHOW {name}").fetchone() for name in ("fsync", "synchronous_commit")]
    return "Postgres: " + ", ".join(
        f"{name}={row[0]}" for name, row in zip(("fsync", "synchronous_commit"), shown, strict=True) if row
    )


def _send(target: Target, plan: Plan, proof: Proof) -> Callable[[], Iterator[list[str]]]:
    """Small files and a large one. What is given back reads them back, and says of each what is wrong with it."""
    sending, large = Sending(target, plan.proven), big(FILE)
    load = Loop(target.port, sending.request, plan.proven, sampled=range(plan.proven)).run(CONNECTIONS)
    path, answer = target.send(large, "file")
    proof.complaints += load.complaints + ([] if answer.good else [str(answer)])
    proof.requests = load.started + 1

    def compare() -> Iterator[list[str]]:
        for number, one in load.samples.items():
            yield sending.differences(number, one)
        if answer.good:
            yield list(target.differences(large, path, answer))

    return compare


def _rows(target: Target) -> int:
    if target.database:
        with psycopg.connect(target.database) as postgres:
            row = postgres.execute(READY).fetchone()
    else:
        with contextlib.closing(sqlite3.connect(target.folder / "data" / "stowage.db")) as sqlite:
            row = sqlite.execute(READY).fetchone()
    return int(row[0]) if row else 0


def _objects(target: Target) -> int:
    """Files of the local store, or what the sink has taken."""
    if target.sink is None:
        files = (target.folder / "data" / "files").rglob("*")
        return sum(path.is_file() and OURS.isdisjoint(path.parts) for path in files)
    connection = http.client.HTTPConnection("127.0.0.1", target.sink, timeout=SECONDS)
    with contextlib.closing(connection):
        connection.request("GET", "/-/counts")
        return int(json.loads(connection.getresponse().read())["objects"])


def _commits(target: Target) -> tuple[int, int]:
    """Commits in the database, and transactions that wrote something, since it was made.

    Postgres counts the commits of a connection when it ends: end them all. The service opens others.
    """
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with psycopg.connect(target.database or "", autocommit=True) as connection:
        row = connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()
        writes = int(row[0]) if row else 0
        connection.execute(f"SELECT pg_terminate_backend(pid) {others}")
        deadline = time.monotonic() + SECONDS
        while connection.execute(f"SELECT 1 {others} AND state IS NOT NULL").fetchone() and time.monotonic() < deadline:
            time.sleep(0.05)
        query = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0, writes


@contextlib.contextmanager
def _syncs_counted(pid: int, proof: Proof) -> Iterator[None]:
    """Let strace count what the server's threads ask of the disk."""
    if not shutil.which("strace"):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        told = Path(folder) / "counts"
        command = ["strace", "-f", "-c", "-e", f"trace={','.join(CALLS)}", "-o", str(told), "-p", str(pid)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
            assert strace.stderr
            attached = "attached" in strace.stderr.readline()
            try:
                yield
            finally:
                strace.send_signal(signal.SIGINT)
                strace.communicate(timeout=SECONDS)
        if attached:
            proof.fsyncs = counted(told.read_text())


def counted(text: str) -> int:
    """The calls in strace's table."""
    return sum(int(calls) for calls, name in COUNTED.findall(text) if name in CALLS)


def _shown(count: int | None) -> str:
    return "not counted" if count is None else str(count)
