"""What large uploads to S3 cost in memory, measured in a process of its own."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

from tests.serving import ROOT
from tests.standins import s3_faults
from tests.standins.s3_exchange import Exchange
from tests.standins.s3_faults import BUCKET, Faults
from tests.standins.s3_words import Reply, xml
from tests.storage.faulty import sent

MEBIBYTE = 1024 * 1024

# Puts a file twice at once; says how much the peak of its memory grew by that, in bytes.
PROGRAM = """
import json, resource, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from app.settings import Settings
from app.storage import registry
from tests.storage.faulty import put_file, put_path
store, path = registry.make("s3", Settings()), Path(sys.argv[1])
put_file(store, "file/first.bin", b"warm", kind="a/b")
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
with ThreadPoolExecutor(2) as pool:
    list(pool.map(lambda n: put_path(store, f"file/{n}.bin", path), range(2)))
print(json.dumps(peak() - before))
"""


def forgetful(_: Faults, exchange: Exchange) -> None:
    """Read a part, keep nothing of it."""
    exchange.body()
    exchange._body = b""
    exchange.reply(Reply(headers={"ETag": f'"{exchange.seen.sha256}"'}))


def agreeable(_: Faults, exchange: Exchange) -> None:
    """Take a completion for what it says."""
    exchange.body()
    exchange.reply(xml("CompleteMultipartUploadResult", "<ETag>whole</ETag>"))


def test_trap_a_large_file_in_memory(tmp_path: Path) -> None:
    """Two files of 80 MB at once, from the disk: less than 30 MB more, as parts are read while they are sent."""
    path, size = tmp_path / "large.bin", 80 * MEBIBYTE
    with path.open("wb") as file:
        file.truncate(size)
    with s3_faults.running() as faults:
        faults.script("PUT", "partNumber", itertools.repeat(forgetful))
        faults.script("POST", "uploadId", itertools.repeat(agreeable))
        environment = {"STORAGE_BACKEND": "s3", "S3_BUCKET": BUCKET, "S3_REGION": "us-east-1"}
        environment |= {"S3_ENDPOINT_URL": faults.server.url, "S3_ACCESS_KEY_ID": "a", "S3_SECRET_ACCESS_KEY": "b"}
        command = [sys.executable, "-c", PROGRAM, str(path)]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        parts = [seen.size for seen in sent(faults, "PUT", "partNumber")]

    assert done.returncode == 0, done.stderr
    assert sum(parts) == 2 * size
    assert int(json.loads(done.stdout)) < 30 * MEBIBYTE
