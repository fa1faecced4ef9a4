"""ExifTool, started once, and the samples that it tagged."""

from collections.abc import Iterator

import pytest

from tests.images.metadata.exiftool import ExifTool
from tests.images.metadata.samples import IMAGES, tagged


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs ExifTool, which root installs, is run by `make check-all`."""
    for item in items:
        if "exiftool" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def exiftool() -> Iterator[ExifTool]:
    """One process."""
    with ExifTool() as running:
        yield running


@pytest.fixture(scope="session")
def files(exiftool: ExifTool, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, bytes]]:
    """Name -> content type and bytes, with tags, in both byte orders where there is Exif."""
    folder = tmp_path_factory.mktemp("tagged")
    return {
        f"{name}-{order}": (content_type, tagged(exiftool, make(), folder, order=order))
        for name, (content_type, make) in IMAGES.items()
        for order in ("II", "MM")
    }


@pytest.fixture(scope="session")
def bare() -> dict[str, tuple[str, bytes]]:
    """The same images without a tag."""
    return {name: (content_type, make(plain=True)) for name, (content_type, make) in IMAGES.items()}
