"""How a file may be shown at the addresses of a store, which lack the headers of ours."""

import pytest

from app.assets.serving import serving_of
from tests.db.rows import draft


def test_a_public_image_has_an_address_of_the_store() -> None:
    """Readable for everybody, and kept by caches."""
    serving = serving_of(draft())

    assert serving.public
    assert serving.cache_control == "public, max-age=86400"


@pytest.mark.parametrize("changes", [{"visibility": "private"}, {"content_type": "image/svg+xml"}], ids=str)
def test_what_is_private_or_active_has_none(changes: dict[str, str]) -> None:
    """Nobody reads it there, and no cache keeps it."""
    serving = serving_of(draft(**changes))

    assert not serving.public
    assert serving.cache_control == "private, no-store"
