"""File names: what a client calls a file survives, what could mislead a person, a header or a log doesn't."""

import re
from urllib.parse import unquote

import pytest
from starlette.testclient import TestClient

from tests.api.forms import part, post

LONG = "x" * 300
# What stands between the quotes of filename="…" -> what is kept.
NAMES = {
    "plain": ("logo.png", "logo.png"),
    "spaces": ("my  logo v2 (1).png", "my  logo v2 (1).png"),
    "umlauts": ("Größe.png", "Größe.png"),
    "decomposed": ("e\u0301.png", "é.png"),
    "cyrillic": ("логотип.png", "логотип.png"),
    "emoji": ("👩‍👩‍👧 😀.png", "👩‍👩‍👧 😀.png"),
    "chinese": ("标志.png", "标志.png"),
    "a quote as browsers send it": ("a%22b.png", 'a"b.png'),
    "a quote as the RFC wants it": (r"a\"b.png", 'a"b.png'),
    "a line break as browsers send it": ("a%0D%0AX-Evil: 1.png", "aX-Evil: 1.png"),
    "a semicolon": ("a;b=c; filename=d.png", "a;b=c; filename=d.png"),
    "percent": ("100%41.png", "100%41.png"),
    "a unix path": ("../../../etc/passwd", "passwd"),
    "a windows path": (r"C:\Users\me\logo.png", "logo.png"),
    "a path with doubled backslashes": (r"C:\\Users\\me\\logo.png", "logo.png"),
    "a folder": ("photos/", "file"),
    "dots": ("..", "file"),
    "a dot": (".", "file"),
    "only spaces": ("   ", "file"),
    "hidden": (".htaccess", ".htaccess"),
    "no extension": ("README", "README"),
    "direction overrides": ("photo\u202egnp.exe", "photognp.exe"),
    "controls": ("a\x01b\x1b[31m\x7f.png", "ab[31m.png"),
    "line separators": ("a\u2028b\u2029c\u0085.png", "abc.png"),
    "markup": ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
    "a shell": ("$(id)`id`;&|.png", "$(id)`id`;&|.png"),
    "a device": ("CON", "CON"),
    "long": (f"{LONG}.png", f"{'x' * 251}.png"),
    "long in bytes": ("é" * 200 + ".png", "é" * 125 + ".png"),
    "long without extension": (LONG, "x" * 255),
}
EXTENDED = {
    "filename=\"plain.png\"; filename*=UTF-8''%C3%A9.png": "é.png",
    "filename*=utf-8'de'%F0%9F%98%80.png; filename=\"plain.png\"": "😀.png",
    "filename=\"plain.png\"; filename*=UTF-8''%FF%FE": "plain.png",
    "filename=\"plain.png\"; filename*=UTF-16''x": "plain.png",
    "filename=\"plain.png\"; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd": "passwd",
    "filename=\"plain.png\"; filename*=UTF-8''a%0D%0Ab.png": "ab.png",
    "filename=plain.png": "plain.png",
    'FileName = "plain.png"': "plain.png",
    'filename="one.png"; filename="two.png"': "one.png",
}


def download_name(disposition: str) -> str:
    """The name that a browser takes: that of `filename*`."""
    match = re.fullmatch(r"(?:inline|attachment); filename=\"[^\"\\]*\"; filename\*=UTF-8''([^;\s\"]+)", disposition)
    assert match, disposition
    return unquote(match[1], errors="strict")


@pytest.mark.parametrize(("sent", "kept"), NAMES.values(), ids=NAMES)
def test_a_name_comes_back_clean(acme_on: TestClient, png: bytes, sent: str, kept: str) -> None:
    """In the JSON, in the permalink, which is one plain address, and in Content-Disposition, which is plain ASCII."""
    shown = post(acme_on, part("file", png, sent)).json()
    path = shown["permalink"].removeprefix("http://stowage.test")

    answer = acme_on.get(path)
    disposition = answer.headers["content-disposition"]
    assert shown["filename"] == unquote(path.rpartition("/")[2]) == download_name(disposition) == kept
    assert re.fullmatch(rf"/f/{shown['id']}/[A-Za-z0-9._~%-]+", path)
    assert disposition.isascii()
    assert disposition.isprintable()
    assert answer.content == png
    assert shown["public_id"] == f"acme/document/{shown['id']}.png"


@pytest.mark.parametrize(("parameters", "kept"), EXTENDED.items(), ids=range(len(EXTENDED)))
def test_the_parameters_of_a_part_are_read_as_the_rfcs_say(
    acme: TestClient, png: bytes, parameters: str, kept: str
) -> None:
    """`filename*` wins where it can be read, wherever it stands; of two, the first counts."""
    header = f'Content-Disposition: form-data; name="file"; {parameters}\r\n\r\n'.encode()

    shown = post(acme, header + png).json()

    assert shown["filename"] == kept


def test_a_name_in_latin_1_is_read_as_that(acme: TestClient, png: bytes) -> None:
    """What is no UTF-8 is what old clients meant by it."""
    header = b'Content-Disposition: form-data; name="file"; filename="Gr\xf6\xdfe.png"\r\n\r\n'

    assert post(acme, header + png).json()["filename"] == "Größe.png"
