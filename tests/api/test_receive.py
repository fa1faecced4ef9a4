"""A body on its way in: whole, or refused without a trace; whenever the client goes, whatever it sends."""

import asyncio
import hashlib
import random
from contextlib import suppress

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.services import Services
from tests.api.forms import form, part
from tests.api.refusals import keeps_nothing, nothing_held, nothing_kept, refused, rows
from tests.api.tokens import OTHER, READER
from tests.api.wire import Wired, send, split, through
from tests.conftest import files_below, make_png, spool_files

PNG = make_png()
SMALL = form(part("kind", "photo"), part("file", PNG, "a.png"), part("metadata", "{}"))
LARGE = PNG + random.Random(5).randbytes(3_000_000)
BIG = form(part("file", LARGE, "a.png"), part("kind", "photo"))
LOGO = "/v1/companies/7/logo"


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/v1/assets", {"authorization": ""}, 401, "unauthorized"),
        (LOGO, {"authorization": "Bearer wrong"}, 401, "unauthorized"),
        ("/v1/slots/users/7/avatar", {"authorization": "Bearer a.b.c"}, 401, "unauthorized"),
        ("/v1/assets", {"authorization": READER["Authorization"]}, 403, "forbidden"),
        ("/v1/assets?kind=video", {}, 400, "unknown_kind"),
        ("/v1/assets", {"idempotency-key": "k" * 256}, 400, "invalid_parameter"),
        ("/v1/assets", {"content-type": "application/json"}, 415, "not_multipart"),
        ("/v1/assets", {"content-type": ""}, 415, "not_multipart"),
        ("/v1/assets", {"content-type": "multipart/form-data"}, 400, "malformed_multipart"),
        (LOGO, {"content-length": "99999999"}, 413, "file_too_large"),
        ("/v1/assets", {"content-length": "99999999999"}, 413, "file_too_large"),
        ("/v1/companies/7/nothing", {}, 404, "not_found"),
    ],
)
def test_what_the_head_decides_is_decided_before_the_body(
    acme: TestClient, shared: Services, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    """Not one byte of it is asked for."""
    with keeps_nothing(shared):
        answer = through(acme, [SMALL], path=path, headers=headers)

        refused(answer, status, code)
        assert answer.asked == 0


@pytest.mark.parametrize("after", ["gone", "end"])
def test_a_body_that_is_cut_anywhere_leaves_nothing(acme: TestClient, shared: Services, after: str) -> None:
    """At every byte up to the last of the closing boundary, whether the client goes or says that this was all."""
    with keeps_nothing(shared):
        for at in range(len(SMALL) - 2):
            refused(through(acme, [SMALL[:at]], after=after), 400, "truncated_body")


def test_a_client_that_goes_before_the_end_of_the_message_is_cut_too(acme: TestClient, shared: Services) -> None:
    """The closing boundary alone is not the end: the message must end."""
    with keeps_nothing(shared):
        for body in (SMALL, SMALL[:-2], SMALL + b"epilogue"):
            refused(through(acme, [body], after="gone"), 400, "truncated_body")


@pytest.mark.parametrize("after", ["gone", "end"])
def test_a_large_body_that_is_cut_leaves_no_spool_file(acme: TestClient, shared: Services, after: str) -> None:
    """Before, at and after the sizes at which memory becomes a file and batches are written."""
    for at in (100, 262_143, 262_400, 262_401, 524_288, 800_000, 1_600_000, len(BIG) - 200, len(BIG) - 3):
        with keeps_nothing(shared):
            refused(through(acme, split(BIG[:at], 65_536), after=after), 400, "truncated_body")


def test_pieces_of_any_size_make_the_same_file(acme: TestClient, shared: Services) -> None:
    """From one byte at a time to all at once."""
    wanted = hashlib.sha256(PNG).hexdigest()
    for size in [*range(1, 50), 100, len(SMALL) // 2, len(SMALL)]:
        shown = through(acme, split(SMALL, size)).json()

        assert (shown["sha256"], shown["kind"], shown["metadata"]) == (wanted, "photo", {}), size
    nothing_held(shared)


def test_a_body_split_in_two_is_whole(acme: TestClient, shared: Services) -> None:
    """Also inside boundaries, headers and line breaks; empty pieces change nothing."""
    wanted = hashlib.sha256(PNG).hexdigest()
    for at in range(1, len(SMALL), 2):
        shown = through(acme, [SMALL[:at], b"", SMALL[at:]]).json()

        assert shown["sha256"] == wanted, at
    nothing_held(shared)


@pytest.mark.parametrize("size", [4096, 65_536, 262_144, 1_000_000, len(BIG)])
@pytest.mark.anyio
async def test_a_large_file_is_spooled_and_arrives_whole(app: FastAPI, services: Services, size: int) -> None:
    """Meanwhile there is one spool file, and memory holds a part of it only."""
    seen: list[tuple[int, int]] = []

    def watch(_: int) -> None:
        seen.append((len(spool_files(services)), services.spool.held))

    shown = (await send(app, split(BIG, size), watch=watch)).json()

    (file,) = files_below(services)
    assert shown["sha256"] == hashlib.sha256(LARGE).hexdigest() == hashlib.sha256(file.read_bytes()).hexdigest()
    assert max(files for files, _ in seen) == 1
    assert max(held for _, held in seen[:-1]) < 1_400_000
    nothing_held(services)


@pytest.mark.anyio
async def test_many_at_once_do_not_mix(app: FastAPI, services: Services) -> None:
    """Sixteen large and small ones, piece by piece."""
    contents = [PNG + random.Random(n).randbytes(400_000 if n % 2 else 400) for n in range(16)]
    bodies = [split(form(part("file", content, "a.png")), 30_000) for content in contents]

    answers = await asyncio.gather(*[send(app, body) for body in bodies])

    assert [a.json()["sha256"] for a in answers] == [hashlib.sha256(c).hexdigest() for c in contents]
    nothing_held(services)


async def cancelled(app: FastAPI, pieces: list[bytes], turns: int) -> Wired | None:
    """A request that is cancelled after so many turns of the loop; its answer if it was faster."""
    task = asyncio.create_task(send(app, pieces, headers=OTHER))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        return await task
    return None


@pytest.mark.parametrize("body", [SMALL, BIG], ids=["small", "large"])
@pytest.mark.anyio
async def test_a_request_that_is_cancelled_at_any_moment_is_whole_or_nothing(
    app: FastAPI, services: Services, body: bytes
) -> None:
    """No spool file, no memory; as many rows as files, and both of the same bytes."""
    for turns in [*range(40), 60, 90, 150, 300]:
        await cancelled(app, split(body, len(body) // 12), turns)
    await services.ingest.finish(10)

    assert rows(services) == len(files_below(services))
    assert {len(file.read_bytes()) for file in files_below(services)} <= {len(PNG), len(LARGE)}
    nothing_held(services)


@pytest.mark.anyio
async def test_a_request_that_is_cancelled_while_it_waits_leaves_nothing(app: FastAPI, services: Services) -> None:
    """As at a shutdown, and it is told to come again: with nothing, a field, half a file, or all but the end."""
    for body in (SMALL[:0], SMALL[:60], SMALL[:-100], SMALL, BIG[:1_000_000], BIG):
        task = asyncio.create_task(send(app, split(body, 100_000), after="silence"))
        await asyncio.sleep(0.03)
        task.cancel()
        refused(await task, 503, "shutting_down")

    nothing_kept(services)


@pytest.mark.anyio
async def test_a_change_that_is_cut_is_no_crash(app: FastAPI, services: Services) -> None:
    """A client that goes in the middle of a PATCH is its own affair: nothing is changed, nothing crashes."""
    stored = (await send(app, [SMALL])).json()

    answer = await send(app, [b'{"filename": "b'], method="PATCH", path=f"/v1/assets/{stored['id']}", after="gone")

    refused(answer, 400, "truncated_body")
    assert (await send(app, method="GET", path=f"/v1/assets/{stored['id']}")).json() == stored
