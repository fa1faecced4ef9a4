"""Spoiled files: never an error, never a hang, never other pixels, and what came out has nothing more to remove."""

import warnings
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import ImageFile

from tests.images.metadata.samples import IMAGES
from tests.images.metadata.shown import Shown, cleaned, shown

Files = dict[str, tuple[str, bytes]]
FEW, MANY = 100, 1000  # examples of each sample; MANY make 20,000 of all
SECONDS = 20

spoilings = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.floats(0, 1), st.binary(min_size=1, max_size=8)),
        st.tuples(st.just("flip"), st.floats(0, 1), st.integers(0, 7).map(lambda bit: bytes([1 << bit]))),
        st.tuples(st.just("drop"), st.floats(0, 1), st.binary(max_size=64)),
        st.tuples(st.just("cut"), st.floats(0, 1), st.just(b"")),
        st.tuples(st.just("insert"), st.floats(0, 1), st.binary(max_size=64)),
        st.tuples(st.just("repeat"), st.floats(0, 1), st.binary(min_size=1, max_size=64)),
    ),
    min_size=1,
    max_size=6,
)


def spoiled(data: bytes, how: list[tuple[str, float, bytes]]) -> bytes:
    """Each spoiling at its place, told as a part of the whole."""
    for name, where, what in how:
        at = int(where * len(data))
        match name:
            case "set":
                data = data[:at] + what + data[at + len(what) :]
            case "flip":
                data = data[:at] + bytes(byte ^ what[0] for byte in data[at : at + 1]) + data[at + 1 :]
            case "drop":
                data = data[:at] + data[at + len(what) :]
            case "cut":
                data = data[:at]
            case "insert":
                data = data[:at] + what + data[at:]
            case _:
                data = data[:at] + data[at : at + len(what)] + data[at:]
    return data


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("remove", ["gps", "all"])
@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_a_spoiled_file_keeps_its_pixels(files: Files, name: str, remove: str, examples: int) -> None:
    """Whatever a viewer shows of it, it shows of what is stored."""
    content_type, data = files[f"{name}-II"]

    @settings(max_examples=examples, deadline=SECONDS * 1000, suppress_health_check=list(HealthCheck), database=None)
    @given(spoilings)
    @example([("cut", 0.999, b"")])
    def spoil(how: list[tuple[str, float, bytes]]) -> None:
        bad = spoiled(data, how)
        stored, said = cleaned(bad, content_type, remove)
        assert said.changed == (stored != bad)
        assert cleaned(stored, content_type, remove)[1].removed == () or not said.changed
        if said.changed:
            expected = _decoded(bad)
            assert expected is None or _decoded(stored) == expected

    spoil()


@pytest.mark.parametrize("content_type", sorted({content_type for content_type, _ in IMAGES.values()}))
@settings(max_examples=FEW, deadline=SECONDS * 1000, suppress_health_check=list(HealthCheck), database=None)
@given(body=st.binary(max_size=200), opening=st.sampled_from([b"", *(make()[:40] for _, make in IMAGES.values())]))
def test_bytes_that_are_no_image(content_type: str, opening: bytes, body: bytes) -> None:
    """Anything may come under any name."""
    _, said = cleaned(opening + body, content_type, "all")

    assert said.changed or said.left or not said.removed


def _decoded(data: bytes) -> tuple[object, ...] | None:
    """Frames and profile as a forgiving viewer has them; None if it refuses the file."""
    with suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            seen: Shown = shown(data, frames=3)
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
        return seen.frames, seen.profile
    return None
