"""The Cloudinary stand-in takes a large file in chunks, in order, whole or not at all, and on disk."""

import hashlib
import io
import json
import random
import threading
import time
from collections.abc import Iterator

import cloudinary.exceptions
import cloudinary.uploader
import pytest

from tests.conftest import make_png
from tests.standins.cloudinary.callers import get, message, opened, post, send_chunk, signed, spoken_to
from tests.standins.cloudinary.chunks import Unfinished
from tests.standins.cloudinary.cloud import Account, Cloud

MEGABYTE = 1024 * 1024
PART = b"0123456789"

# A cloud in a process of its own: its address, and after a line its largest memory in KiB, then and at the start.
PROCESS = """
import json, resource, sys
from tests.standins.cloudinary.chunks import Unfinished
from tests.standins.cloudinary.cloud import Account, running
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with running(Account(raw_limit=10**9)) as cloud:
    start = peak()
    print(json.dumps(cloud.options), flush=True)
    sys.stdin.readline()
    print(json.dumps([start, peak(), [[asset.size, asset.etag] for asset in cloud.assets.values()]]), flush=True)
"""


def slowly(function):
    """The same function, which leaves others the time to come in between."""

    def waiting(*arguments, **named):
        time.sleep(0.05)
        return function(*arguments, **named)

    return waiting


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """A Cloudinary whose chunks may be small, and which refuses raw files above 100 bytes."""
    with opened(Account(smallest_chunk=10, raw_limit=100)) as cloud:
        yield cloud


def test_the_sdk_sends_a_large_file():
    """In chunks of 5 MiB and a shorter last one; what is stored is what was sent."""
    content = random.Random(1).randbytes(11 * MEGABYTE)
    with opened(Account(raw_limit=11 * MEGABYTE)) as cloud:
        stored = cloudinary.uploader.upload_large(
            io.BytesIO(content), public_id="big", resource_type="raw", chunk_size=5 * MEGABYTE, **cloud.options
        )

        assert (stored["done"], stored["bytes"], stored["public_id"]) == (True, len(content), "big")
        assert stored["etag"] == hashlib.md5(content).hexdigest()
        assert cloud.assets["raw", "upload", "big"].content == content
        assert [call.size for call in cloud.calls] == [5 * MEGABYTE, 5 * MEGABYTE, MEGABYTE]


def test_the_sdk_cannot_send_smaller_chunks():
    """5,242,880 bytes at least: vendor's SDKs refuse or avoid less, whatever "5 MB" may mean."""
    with opened() as cloud:
        options = {**cloud.options, "resource_type": "raw", "chunk_size": 5_000_000}

        with pytest.raises(
            cloudinary.exceptions.BadRequest, match="All parts except EOF-chunk must be larger than 5mb"
        ):
            cloudinary.uploader.upload_large(io.BytesIO(bytes(6_000_000)), public_id="x", **options)
        assert cloud.assets == {}


def test_an_answer_says_how_much_is_there(cloud):
    """`done` is false until the last chunk, whose answer is that of an upload."""
    first = send_chunk(cloud, PART, "0-9/25", public_id="x").json()
    second = send_chunk(cloud, PART, "10-19/25", public_id="x").json()
    last = send_chunk(cloud, b"abcde", "20-24/25", public_id="x").json()

    assert first == {"done": False, "bytes": 10, "kind": "upload", "resource_type": "raw", "public_id": "x"}
    assert (second["done"], second["bytes"]) == (False, 20)
    assert (last["done"], last["bytes"], last["etag"]) == (True, 25, hashlib.md5(PART + PART + b"abcde").hexdigest())


def test_an_incomplete_upload_is_invisible(cloud):
    """It is no asset, in no list, cannot be read or destroyed, until its last byte is here."""
    send_chunk(cloud, PART, "0-9/20", public_id="x").raise_for_status()
    options = {**cloud.options, "resource_type": "raw"}

    assert (cloud.assets, len(cloud.incomplete.uploads)) == ({}, 1)
    assert cloudinary.api.resources(**options)["resources"] == []
    assert cloudinary.uploader.destroy("x", **options)["result"] == "not found"
    assert get(cloudinary.utils.private_download_url("x", "", **options)).status_code == 404

    send_chunk(cloud, PART, "10-19/20", public_id="x").raise_for_status()
    assert (list(cloud.assets), len(cloud.incomplete.uploads)) == ([("raw", "upload", "x")], 0)


def test_an_incomplete_upload_leaves_the_old_asset_alone(cloud):
    """Overwriting happens when the last byte is here."""
    post(cloud, "raw/upload", signed(cloud, public_id="x"), b"old").raise_for_status()

    send_chunk(cloud, PART, "0-9/20", public_id="x").raise_for_status()

    assert cloud.assets["raw", "upload", "x"].content == b"old"


@pytest.mark.parametrize(
    ("content", "span", "why"),
    [
        (PART, "20-29/30", "Chunk begins at 20, expected 10"),  # one is missing
        (PART, "0-9/30", "Chunk begins at 0, expected 10"),  # once more
        (PART, "5-14/30", "Chunk begins at 5, expected 10"),  # overlapping
        (PART, "10-19/40", "Total size changed from 30 to 40"),
        (b"short", "10-14/30", "All parts except EOF-chunk must be larger than 5mb"),
        (b"short", "10-19/30", "Chunk has 5 bytes, Content-Range speaks of 10"),
        (PART + b"x", "10-19/30", "Chunk has 11 bytes, Content-Range speaks of 10"),
        (PART, "10-29/20", "Invalid Content-Range header: bytes 10-29/20"),
        (PART, "19-10/30", "Invalid Content-Range header: bytes 19-10/30"),
        (PART, "10-19/-1", "Invalid Content-Range header: bytes 10-19/-1"),
        (PART, "10-19/*", "Invalid Content-Range header: bytes 10-19/*"),
    ],
)
def test_a_chunk_that_does_not_fit_is_refused(cloud, content, span, why):
    """400, and the upload is as it was: the right chunk is still taken."""
    send_chunk(cloud, PART, "0-9/30", public_id="x").raise_for_status()

    refused = send_chunk(cloud, content, span, public_id="x")

    assert (refused.status_code, message(refused)) == (400, why)
    send_chunk(cloud, PART, "10-19/30", public_id="x").raise_for_status()
    assert send_chunk(cloud, PART, "20-29/30", public_id="x").json()["etag"] == hashlib.md5(PART * 3).hexdigest()


def test_the_first_chunk_must_begin_at_the_beginning(cloud):
    """An id that nobody has seen begins at byte 0."""
    refused = send_chunk(cloud, PART, "10-19/30", public_id="x")

    assert (refused.status_code, message(refused)) == (400, "Chunk begins at 10, the first one must begin at 0")
    assert cloud.incomplete.uploads == {}


def test_a_chunk_needs_an_id(cloud):
    """400 without X-Unique-Upload-Id."""
    refused = send_chunk(cloud, PART, "0-9/30", upload_id=None, public_id="x")

    assert (refused.status_code, message(refused)) == (400, "Missing X-Unique-Upload-Id header")


def test_chunks_of_two_files_are_kept_apart(cloud):
    """The id tells them apart."""
    for start, content in ((0, PART), (10, PART[::-1])):
        for upload_id in ("one", "two"):
            span = f"{start}-{start + 9}/20"
            send_chunk(cloud, content, span, upload_id, public_id=upload_id).raise_for_status()

    assert {asset.content for asset in cloud.assets.values()} == {PART + PART[::-1]}
    assert len(cloud.assets) == 2


@pytest.mark.parametrize("changed", [{"public_id": "y"}, {"public_id": "x", "type": "private"}, {}])
def test_a_chunk_for_another_name_is_refused(cloud, changed):
    """All chunks of one id go to one asset."""
    send_chunk(cloud, PART, "0-9/20", public_id="x").raise_for_status()

    assert send_chunk(cloud, PART, "10-19/20", **changed).status_code == 400


def test_every_chunk_is_signed(cloud):
    """A signature that is wrong or stale is refused in the middle, too."""
    send_chunk(cloud, PART, "0-9/20", public_id="x").raise_for_status()
    headers = {"Content_Range": "bytes 10-19/20", "X_Unique_Upload_Id": "one"}

    wrong = post(cloud, "raw/upload", signed(cloud, secret="no", public_id="x"), PART, **headers)
    stale = post(cloud, "raw/upload", signed(cloud, public_id="x", timestamp="1481774573"), PART, **headers)

    assert (wrong.status_code, stale.status_code, cloud.assets) == (401, 400, {})


def test_chunking_does_not_raise_the_limit(cloud):
    """The first chunk says how much will come: too much is refused then."""
    refused = send_chunk(cloud, PART, "0-9/101", public_id="x")

    assert refused.status_code == 400
    assert message(refused).startswith("File size too large. Got 101. Maximum is 100.")
    assert cloud.incomplete.uploads == {}


def test_what_it_is_is_told_by_the_whole(cloud):
    """A chunked image that is none is refused at the end and leaves nothing; a real one has its size."""
    png = make_png(30, 20)
    for kind, content, status in (("image", PART * 2, 400), ("auto", png, 200)):
        total = len(content)
        for first in range(0, total, 10):
            part = content[first : first + 10]
            headers = {"Content_Range": f"bytes {first}-{first + len(part) - 1}/{total}", "X_Unique_Upload_Id": kind}
            answer = post(cloud, f"{kind}/upload", signed(cloud, public_id="x"), part, **headers)
        assert answer.status_code == status

    assert [(a.resource_type, a.width, a.height) for a in cloud.assets.values()] == [("image", 30, 20)]
    assert len(list(cloud.folder.iterdir())) == 1


def test_one_chunk_may_be_all(cloud):
    """A Content-Range over the whole file is a finished upload, however small."""
    assert send_chunk(cloud, b"abc", "0-2/3", public_id="x").json()["done"] is True


def test_chunks_at_once_cannot_mix(cloud, monkeypatch):
    """The same chunk from six callers at once is taken once, each time."""
    monkeypatch.setattr(Unfinished, "__init__", slowly(Unfinished.__init__))
    statuses: list[int] = []

    def call() -> None:
        statuses.append(send_chunk(cloud, PART, "0-9/20", public_id="x").status_code)

    callers = [threading.Thread(target=call) for _ in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert sorted(statuses) == [200] + [400] * 5


def test_a_large_file_costs_no_memory():
    """120 MB in chunks of 6 MB, and 90 MB in one call: the process grows by less than a third of that."""
    with spoken_to("-c", PROCESS) as process:
        options = {**json.loads(process.stdout.readline()), "resource_type": "raw"}
        content = bytes(120_000_000)
        cloudinary.uploader.upload_large(io.BytesIO(content), public_id="x", chunk_size=6_000_000, **options)
        cloudinary.uploader.upload(io.BytesIO(content[:90_000_000]), public_id="y", **options)
        out, _ = process.communicate("\n", timeout=30)

    start, peak, assets = json.loads(out)
    assert assets[0] == [120_000_000, hashlib.md5(content).hexdigest()]
    assert peak - start < 30_000, f"{peak - start} KiB"
