"""Images with everything personal in them: Pillow makes the image, ExifTool writes the tags."""

import io
from collections.abc import Callable
from pathlib import Path

import pillow_heif
from PIL import Image, ImageCms, PngImagePlugin

from tests.images.metadata.exiftool import ExifTool

pillow_heif.register_heif_opener()

PERSONAL = b"personal mark"  # stands in every free text
PLACE = b"place mark"  # and in every place name
LARGE_PROFILE = bytes(range(256)) * 600  # three segments of a JPEG
TURNED = 6  # to be shown turned by 90 degrees

PLACES = {
    "GPS:GPSLatitude": "48.8584",
    "GPS:GPSLatitudeRef": "N",
    "GPS:GPSLongitude": "2.2945",
    "GPS:GPSLongitudeRef": "E",
    "GPS:GPSAreaInformation": PLACE.decode(),
    "XMP-exif:GPSLatitude": "48.8584",
    "XMP-exif:GPSLongitude": "2.2945",
    "XMP-photoshop:City": PLACE.decode(),
    "XMP-photoshop:Country": PLACE.decode(),
    "XMP-iptcCore:Location": PLACE.decode(),
    "XMP-iptcExt:LocationCreatedCity": PLACE.decode(),
    "XMP-iptcExt:LocationShownSublocation": PLACE.decode(),
    "IPTC:City": PLACE.decode(),
    "IPTC:Sub-location": PLACE.decode(),
    "IPTC:Country-PrimaryLocationName": PLACE.decode(),
}
OTHERS = {
    "IFD0:Make": "Camera",
    "IFD0:Artist": PERSONAL.decode(),
    "IFD0:Orientation#": str(TURNED),
    "ExifIFD:DateTimeOriginal": "2026:11:21 10:00:00",
    "ExifIFD:UserComment": PERSONAL.decode(),
    "XMP-dc:Creator": PERSONAL.decode(),
    "XMP-photoshop:Credit": PERSONAL.decode(),
    "IPTC:By-line": PERSONAL.decode(),
    "IPTC:Caption-Abstract": PERSONAL.decode(),
}


def picture(shade: int = 0, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A small picture in which every pixel has its colour."""
    width, height = size
    pixels = bytes(
        part for y in range(height) for x in range(width) for part in (x * 4 % 256, (y * 5 + shade) % 256, x * y % 256)
    )
    return Image.frombytes("RGB", size, pixels)


def profile() -> bytes:
    """A small colour profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def maker_note() -> bytes:
    """Exif whose maker note holds something that nobody understands."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x927C] = b"MAKER\0" + PLACE * 20
    return exif.tobytes()


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    """A file of these pixels."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def jpeg(*, plain: bool = False, **options: object) -> bytes:
    """A JPEG with a profile; unless it is plain, with a maker note and a comment."""
    extra = {} if plain else {"exif": maker_note(), "comment": PERSONAL}
    return saved(picture(), "JPEG", icc_profile=profile(), dpi=(96, 96), **extra, **options)


def png(*, plain: bool = False) -> bytes:
    """A PNG with a profile; unless it is plain, with texts of all three sorts."""
    texts = PngImagePlugin.PngInfo()
    if not plain:
        texts.add_text("Author", PERSONAL.decode())
        texts.add_text("Comment", PERSONAL.decode(), zip=True)
        texts.add_itxt("Title", PERSONAL.decode(), "fr", "Titre")
        texts.add_text("exif:GPSLatitude", "48/1, 51/1, 30/1")
    return saved(picture(), "PNG", pnginfo=texts, icc_profile=profile(), dpi=(96, 96))


def moving(form: str, **options: object) -> bytes:
    """Three frames."""
    frames = [picture(shade) for shade in (60, 120)]
    return saved(picture(), form, save_all=True, append_images=frames, duration=[40, 70, 90], loop=3, **options)


def gif(*, plain: bool = False) -> bytes:
    """A GIF that moves; unless it is plain, with a comment."""
    return moving("GIF", **({} if plain else {"comment": PERSONAL}))


def avif_film(*, plain: bool = False) -> bytes:
    """An AVIF that moves; unless it is plain, with a maker note."""
    return moving("AVIF", **({} if plain else {"exif": maker_note()}))


def still(form: str, **options: object) -> Callable[..., bytes]:
    """How to make a single picture that is plain in any case."""
    return lambda **_: saved(picture(size=(128, 96)), form, icc_profile=profile(), **options)


IMAGES: dict[str, tuple[str, Callable[..., bytes]]] = {
    "jpeg": ("image/jpeg", jpeg),
    "progressive": ("image/jpeg", lambda **how: jpeg(progressive=True, quality=90, **how)),
    "png": ("image/png", png),
    "apng": ("image/png", lambda **_: moving("PNG")),
    "webp": ("image/webp", still("WEBP", lossless=True)),
    "webp-moving": ("image/webp", lambda **_: moving("WEBP", icc_profile=profile())),
    "gif": ("image/gif", gif),
    "avif": ("image/avif", still("AVIF")),
    "avif-moving": ("image/avif", avif_film),
    "heic": ("image/heic", still("HEIF", quality=80)),
}


def tagged(exiftool: ExifTool, data: bytes, folder: Path, *, order: str = "II", **more: str) -> bytes:
    """The file with every tag that its format takes."""
    path = folder / "tagged"
    path.write_bytes(data)
    tags = [f"-{name}={value}" for name, value in (PLACES | OTHERS | more).items()]
    exiftool.run("-m", "-overwrite_original", f"-ExifByteOrder={order}", *tags, str(path))
    return path.read_bytes()
