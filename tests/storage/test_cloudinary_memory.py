"""What large uploads to Cloudinary cost in memory, measured in processes of their own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import ROOT
from tests.standins.cloudinary.cloud import Account, Cloud
from tests.standins.cloudinary.cloud import running as clouds

MEBIBYTE = 1024 * 1024

# Puts a file so often at once; says how much the peak of its memory grew by that, in bytes.
PROGRAM = """
import json, resource, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from app.settings import CloudinarySettings
from app.storage import registry
from app.settings import Settings
from tests.storage.faulty import put_file, put_path
store, path, times = registry.make("cloudinary", Settings()), Path(sys.argv[1]), int(sys.argv[2])
put_file(store, "file/first.bin", b"warm", kind="a/b")
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
with ThreadPoolExecutor(times) as pool:
    stored = list(pool.map(lambda n: put_path(store, f"file/{n}.bin", path).public_id, range(times)))
print(json.dumps({"grown": peak() - before, "stored": stored}))
"""


@pytest.fixture
def roomy() -> Iterator[Cloud]:
    """A cloud that takes files of 300 MB."""
    with clouds(Account(raw_limit=300 * MEBIBYTE)) as cloud:
        yield cloud


def grown(cloud: Cloud, path: Path, *, times: int, **variables: str) -> int:
    """By how many bytes the peak of a process grows that puts the file so often at once."""
    command = [sys.executable, "-c", PROGRAM, str(path), str(times)]
    environment = {"CLOUDINARY_URL": cloud.address, "STORAGE_BACKEND": "cloudinary", **variables}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)

    assert len(said["stored"]) == times
    assert [asset.size for asset in cloud.assets.values() if asset.size > 4] == [path.stat().st_size] * times
    return int(said["grown"])


def file_of(tmp_path: Path, size: int) -> Path:
    """A file on the disk, of zeros that take no room there."""
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_trap_a_large_file_in_memory(roomy: Cloud, tmp_path: Path) -> None:
    """200 MB from the disk: less than 60 MB more, as no more than a chunk or so is held."""
    assert grown(roomy, file_of(tmp_path, 200 * MEBIBYTE), times=1) < 60 * MEBIBYTE


def test_trap_many_large_files_in_memory(roomy: Cloud, tmp_path: Path) -> None:
    """Eight files of 20 MB at once, with the image's setting of malloc: two chunks are under way at most."""
    assert grown(roomy, file_of(tmp_path, 20 * MEBIBYTE), times=8, MALLOC_ARENA_MAX="2") < 60 * MEBIBYTE
