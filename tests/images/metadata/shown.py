"""What a viewer shows of a file, as Pillow decodes it; and the cleaned file."""

import io
from dataclasses import dataclass

import pillow_heif
from PIL import Image, ImageSequence

from app.images.metadata import Cleaned, Remove, clean

pillow_heif.register_heif_opener()


@dataclass(frozen=True)
class Shown:
    """Frames with their times, the orientation, the colour profile."""

    frames: tuple[tuple[bytes, object], ...]
    orientation: object
    profile: bytes | None
    loop: object
    gamma: object


def shown(data: bytes, *, frames: int = 100) -> Shown:
    """Decode all of it; raises what Pillow raises."""
    with Image.open(io.BytesIO(data)) as image:
        pixels = tuple(
            (frame.convert("RGBA").tobytes(), frame.info.get("duration"))
            for frame, _ in zip(ImageSequence.Iterator(image), range(frames), strict=False)
        )
        image.seek(0)
        info = image.info
        return Shown(pixels, image.getexif().get(0x112), info.get("icc_profile"), info.get("loop"), info.get("gamma"))


def cleaned(data: bytes, content_type: str, remove: Remove) -> tuple[bytes, Cleaned]:
    """The file as it is stored, and what was said of it."""
    file = io.BytesIO()
    said = clean(io.BytesIO(data), content_type, remove=remove, write=file.write)
    assert said.changed == bool(file.getvalue())
    return file.getvalue() or data, said
