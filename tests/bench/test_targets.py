"""What is measured is what is said: the image's environment, bytes that come back, memory and disk that are seen."""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import pytest

from app.assets.cursors import read_cursor
from tests.bench.payload import big, small
from tests.bench.sampling import Sampler, disk, nameless
from tests.bench.servers import image
from tests.bench.servers.catalogue import KINDS, SERVICES, Starting, settings, started
from tests.bench.workloads import catalogue
from tests.bench.workloads.listing import DAWN, cursor


def test_the_environment_is_the_images() -> None:
    """What the last stage of the Dockerfile sets reaches the service, but what is true in the image alone."""
    found = image.environment()

    assert found["APP_ENV"] == "production"
    assert "MALLOC_ARENA_MAX" in found
    assert not found.keys() & {"PATH", "RUN_AS", "HOST", "PIP_NO_CACHE_DIR"}


def test_the_bench_sets_addresses_and_limits_only(tmp_path: Path) -> None:
    """A setting that would change what is measured is refused; those that are set are told."""
    given = settings(Starting(1, tmp_path, "postgresql://h/d", 2))
    told = image.differing(image.with_settings(given))

    assert f"DATA_DIR={tmp_path}/data (an address; default: data)" in told
    assert "FILE_MAX_MB=4096 (a limit; default: 100)" in told
    assert "secret" not in "".join(told)
    for name in ("SWEEP_INTERVAL", "LOG_LEVEL", "MALLOC_ARENA_MAX", "DATABASE_POOL_SIZE"):
        with pytest.raises(ValueError, match=name):
            image.with_settings({**given, name: "1"})


def test_every_workload_knows_its_servers() -> None:
    """Names in one catalogue are names in the other."""
    assert {*catalogue.ALL, catalogue.REPLICAS} == KINDS.keys()
    assert set(catalogue.SERVICES) == set(SERVICES)
    assert all(set(workload.targets) <= KINDS.keys() for workload in catalogue.WORKLOADS.values())


def test_bytes_that_changed_are_noticed() -> None:
    """A file that is not what was sent, or not there, is a complaint."""
    upload = small(2000)
    with started("asgi-file", None) as target:
        path, answer = target.send(upload, "photo")
        assert list(target.differences(upload, path, answer)) == []
        [kept] = (target.folder / "data").iterdir()
        kept.write_bytes(kept.read_bytes()[:-1] + b"x")
        changed = list(target.differences(upload, path, answer))
        other = list(target.differences(small(2000), path, answer))

    assert len(changed) == 1
    assert "read back" in changed[0]
    assert "another SHA-256" in other[0]


def test_only_what_was_stored_is_removed() -> None:
    """Large files are removed after a measurement; a database that lies beside them stays, however large it is."""
    upload = big(20_000)
    with started("asgi-file", None) as target:
        target.send(upload, "file")
        (target.folder / "data" / "stowage.db").write_bytes(bytes(30_000))
        target.forget(upload)

        assert [path.name for path in (target.folder / "data").iterdir()] == ["stowage.db"]


def test_uploads_are_what_they_say() -> None:
    """Length and digest are those of the bytes, wrapped in a form or not."""
    for upload in (small(3000), big(9 << 20)):
        for wrapped in (True, False):
            whole = b"".join(upload.pieces(wrapped=wrapped))
            assert upload.length(wrapped=wrapped) == len(whole)
            assert upload.sha256(wrapped=wrapped) == hashlib.sha256(whole).hexdigest()


def test_the_deep_cursor_is_the_services() -> None:
    """A cursor of the bench is read by the service as the moment and the id of the seeded row."""
    moment, asset_id = read_cursor(cursor(900_000))

    assert (moment - DAWN).total_seconds() == 900_000
    assert asset_id == uuid.UUID(int=900_000)


def test_files_without_a_name_are_seen(tmp_path: Path) -> None:
    """Temporary files that nobody can list count as disk, as those do that have a name."""
    with tempfile.TemporaryFile(dir=tmp_path, buffering=0) as file:
        file.write(bytes(1 << 20))
        os.fsync(file.fileno())  # blocks are given when they are written
        before = nameless([os.getpid()])
    named = tmp_path / "named"
    named.write_bytes(bytes(1 << 20))

    assert before >= 1 << 20
    assert nameless([os.getpid()]) <= before - (1 << 20)
    assert disk(tmp_path) >= 1 << 20


def test_temporary_disk_is_the_peak(tmp_path: Path) -> None:
    """What was taken for a moment counts, though it is gone at the end."""
    with Sampler(os.getpid(), tmp_path) as seen:
        with tempfile.TemporaryFile(dir=tmp_path, buffering=0) as file:
            file.write(bytes(1 << 20))
            (tmp_path / "named").write_bytes(bytes(1 << 20))
            deadline = time.monotonic() + 20
            while seen.spare < 2 << 20 and time.monotonic() < deadline:
                time.sleep(0.01)
        (tmp_path / "named").unlink()

    assert seen.spare >= 2 << 20


def test_a_child_is_seen() -> None:
    """CPU time and memory of processes below the one that is watched are counted."""
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    child = "x = b'x' * 60_000_000\nwhile sys.stdin.read(1): pass"
    command = [sys.executable, "-c", code, f"import sys; {child}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as parent, Sampler(parent.pid) as seen:
        assert parent.stdin
        deadline = time.monotonic() + 20
        while seen.peak < 60_000_000 and time.monotonic() < deadline:
            time.sleep(0.01)
        parent.stdin.close()

    assert seen.peak > 60_000_000
