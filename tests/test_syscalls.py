"""What the service asks of the kernel, in which order: the proof that a power cut loses nothing acknowledged."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest

from tests.conftest import make_png
from tests.crash.planted import prefix
from tests.serving import served

CALLS = "write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat"

pytestmark = pytest.mark.slow


def first(lines: Sequence[str], pattern: str, *, after: int = -1) -> int:
    """The number of the first line after another one that matches."""
    for number, line in enumerate(lines):
        if number > after and re.search(pattern, line):
            return number
    raise AssertionError(f"nothing like {pattern!r} after line {after}")


def traced_upload(tmp_path: Path, content: bytes, fault: Sequence[str] = ()) -> tuple[str, list[str]]:
    """Upload one file to a service under strace: its id, and every call with the paths of its descriptors."""
    trace = tmp_path / "trace"
    traced = ["strace", "-D", "-f", "-y", "-e", f"trace={CALLS}", "-o", str(trace), *fault]
    settings = {"DATA_DIR": str(tmp_path / "data"), "API_KEYS": "default:key", "SWEEP_INTERVAL": "0"}
    with served(settings, tmp_path / "log", prefix=traced) as service:
        answer = httpx2.post(
            f"{service.url}/v1/assets?kind=photo",
            headers={"X-API-Key": "key"},
            files={"file": ("a.png", content)},
            timeout=30,
        )
        assert answer.status_code == 201, answer.text
    return answer.json()["id"], trace.read_text(errors="replace").splitlines()


def check_order(name: str, lines: Sequence[str]) -> None:
    """Write < fsync of the file < rename < fsync of the folder < commit; and a new folder reaches its parent."""
    written = first(lines, r"write\(.*\.spool/[0-9a-f]+\.(put|part)>")
    flushed = first(lines, r"fsync\(.*\.spool/[0-9a-f]+\.(put|part)>", after=written)
    renamed = first(lines, rf"rename(at|at2)?\(.*{name}", after=flushed)
    folder = first(lines, r"fsync\(\d+<[^>]*/files/photo>\)", after=renamed)
    committed = first(lines, r"pwrite64\(\d+<[^>]*stowage\.db-wal>", after=flushed)
    durable = first(lines, r"f(data)?sync\(\d+<[^>]*stowage\.db-wal>\)", after=committed)
    made = first(lines, r'mkdirat\(\d+<[^>]*/files>, "photo"')
    parent = first(lines, r"fsync\(\d+<[^>]*/files>\)", after=made)
    assert written < flushed < renamed < folder < committed < durable
    assert made < parent < committed


@pytest.mark.parametrize("size", [0, 2_000_000], ids=["held in memory", "spooled"])
def test_bytes_reach_the_disk_before_the_row_says_so(tmp_path: Path, size: int) -> None:
    """The order of `check_order`."""
    check_order(*traced_upload(tmp_path, make_png() + os.urandom(size)))


@pytest.mark.parametrize("fault", ["no-fsync", "rename-before-fsync"])
@pytest.mark.parametrize("size", [0, 2_000_000], ids=["held in memory", "spooled"])
def test_a_wrong_order_is_found(tmp_path: Path, size: int, fault: str) -> None:
    """A kill can't show it, because the kernel lives on: this can."""
    name, lines = traced_upload(tmp_path, make_png() + os.urandom(size), prefix(fault))

    with pytest.raises(AssertionError, match="nothing like"):
        check_order(name, lines)
