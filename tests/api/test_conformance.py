"""The public conformance suite of multipart/form-data, read by the one place that reads forms."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from multipart_form_data_conformance import get_tests_dir
from starlette.requests import Request

from app.api.form import Expected, Form
from app.api.receive import Receiver
from app.assets.policy import Policies
from app.errors import MissingFile, StowageError
from app.storage.spool import Spool

pytestmark = pytest.mark.anyio

CASES = {case.name: case for case in sorted(get_tests_dir().glob("*/*"))}
REFUSED = {"061-lf-only-lenient", "062-mixed-endings"}  # allowed, not asked for: lines end with CRLF
# Read differently on purpose: it ignores `filename*`, which clients send, and takes the last of two headers.
OTHERWISE = {"022-filename-star-encoding", "023-both-filename-star", "208-duplicate-headers"}


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """It takes files of a megabyte."""
    spool = Spool(tmp_path)
    policies = Policies(dict.fromkeys(("logo", "photo", "document", "file"), 1_000_000))
    yield Receiver(spool, policies, idle=30, places=1)
    spool.close()


async def read(receiver: Receiver, case: Path, names: tuple[str, ...]) -> Form:
    """Its body in pieces of seven bytes."""
    raw = (case / "input.raw").read_bytes()
    headers = json.loads((case / "headers.json").read_text()).items()
    pieces = iter([raw[at : at + 7] for at in range(0, len(raw), 7)] or [b""])

    async def receive() -> dict[str, Any]:
        piece = next(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    scope = {"type": "http", "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in headers]}
    return await receiver.form(Request(scope, receive), Expected(names, 20))


def test_the_suite_is_there() -> None:
    """All of it."""
    assert len(CASES) >= 57


@pytest.mark.parametrize("name", sorted(CASES.keys() - OTHERWISE))
async def test_a_case_is_read_as_it_should_be(receiver: Receiver, name: str) -> None:
    """Fields and files with their names and bytes; what is not valid is refused."""
    expected = json.loads((CASES[name] / "test.json").read_text())["expected"]
    parts = expected.get("parts", [])
    files = [part for part in parts if part.get("filename")]
    inputs = {part["name"] for part in parts if part.get("filename") is not None}
    if not expected["valid"] or name in REFUSED or not files:
        with pytest.raises(MissingFile if expected["valid"] and name not in REFUSED else StowageError):
            await read(receiver, CASES[name], tuple(inputs) or ("file",))
        return

    async with await read(receiver, CASES[name], tuple(inputs)) as form:
        assert form.fields == {part["name"]: part["body_text"] for part in parts if part["name"] not in inputs}
        assert [file.body.size for file in form.files] == [part["body_size"] for part in files]


@pytest.mark.parametrize("name", sorted(OTHERWISE - {"208-duplicate-headers"}))
async def test_the_extended_name_wins(receiver: Receiver, name: str) -> None:
    """It is the one that can hold every name."""
    async with await read(receiver, CASES[name], ("file",)) as form:
        assert [file.filename for file in form.files] == ["文档.pdf"]


async def test_the_first_of_two_headers_counts(receiver: Receiver) -> None:
    """As it does everywhere else."""
    with pytest.raises(MissingFile) as refused:
        await read(receiver, CASES["208-duplicate-headers"], ("field1",))

    assert "`field1` came as text" in refused.value.detail
