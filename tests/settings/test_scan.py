"""Where clamd is: an address that leads nowhere is refused at start, for nobody would scan."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import ScanSettings, Settings
from tests.serving import command

GOOD = {
    "tcp://clamd:3310": ("clamd", 3310),
    "tcp://clamd.railway.internal:3310/": ("clamd.railway.internal", 3310),
    "tcp://127.0.0.1:1": ("127.0.0.1", 1),
    "tcp://[fd12::1]:65535": ("fd12::1", 65535),
    "clamd-x7f2:3310": ("clamd-x7f2", 3310),
    "my_clamd:3310": ("my_clamd", 3310),
    " TCP://clamd:3310 ": ("clamd", 3310),
    "unix:///run/clamav/clamd.ctl": "/run/clamav/clamd.ctl",
}
BAD = [
    "tcp://",
    "tcp://:3310",  # a reference that was empty
    ":3310",
    "tcp://clamd",
    "tcp://clamd:",
    "tcp://clamd:0",
    "tcp://clamd:65536",
    "tcp://clamd:port",
    "tcp://clamd:3310:3310",
    "tcp://clamd:3310/path",
    "tcp://clamd:3310?a=b",
    "tcp://clamd:3310#a",
    "tcp://user@clamd:3310",
    "tcp://:secret@clamd:3310",
    "tcp://a clamd:3310",
    "tcp://a..b:3310",
    "tcp://[fd12::1:3310",
    "tcp://${{clamd.RAILWAY_PRIVATE_DOMAIN}}:3310",
    "http://clamd:3310",
    "clamd://clamd:3310",
    "://clamd:3310",
    "/run/clamav/clamd.ctl",
    "unix:/run/clamav/clamd.ctl",
    "unix://run/clamav/clamd.ctl",
    "unix://",
    "unix:///",
    "unix:///run/",
    "tcp://.:3310",
    f"tcp://{'x' * 64}:3310",
    f"unix:///{'x' * 107}",
    "off",
    "false",
]


@pytest.mark.parametrize("url", GOOD)
def test_the_ways_to_say_it(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """A host and a port, as platforms give them, or a socket of the machine."""
    monkeypatch.setenv("CLAMD_URL", url)

    assert Settings().scan.clamd_at == GOOD[url]


@pytest.mark.parametrize("value", [None, ""])
def test_nobody_scans_if_nothing_is_said(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    """An empty variable is one that is not set."""
    if value is not None:
        monkeypatch.setenv("CLAMD_URL", value)

    assert Settings().scan.clamd_at is None


@pytest.mark.parametrize("url", BAD)
def test_what_leads_nowhere_is_refused(url: str) -> None:
    """With a sentence that says what was expected."""
    with pytest.raises(ValidationError, match="it has the form tcp://host:3310 or unix:///path"):
        ScanSettings(clamd=url)


def test_the_service_does_not_start_with_it(tmp_path: Path) -> None:
    """Exit code 78, and one line that names the variable."""
    done = command("serve", settings={"DATA_DIR": str(tmp_path), "CLAMD_URL": "http://a-host:3310"})

    assert done.returncode == 78
    assert done.stderr.startswith("stowage: CLAMD_URL: it has the form")
    assert "a-host" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
