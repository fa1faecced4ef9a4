"""Debian's clamd, with one signature of our own: no database of viruses is needed, and nothing is fetched."""

import contextlib
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.standins.clamd_wire import LIMIT, MARK
from tests.standins.programs import Programs, free_ports, serving

START_SECONDS = 30
PATH = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
ABSENT = "There is no clamd on this machine, and these tests need a real one: apt install clamav-daemon."

# As docs/deploy/virus-scan.md has it, but for the sizes.
CONFIGURATION = """
Foreground yes
DatabaseDirectory {folder}/signatures
TemporaryDirectory {folder}
LocalSocket {folder}/clamd.ctl
TCPSocket {port}
TCPAddr 127.0.0.1
StreamMaxLength {limit}
AlertExceedsMax yes
MaxScanSize 8M
"""


@dataclass(frozen=True, slots=True)
class Clamd:
    """A running clamd, at both of its addresses."""

    url: str
    unix_url: str


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Clamd]:
    """A clamd that has its signature, with everything below a folder; it is gone when the block ends."""
    if shutil.which("clamd", path=PATH) is None:
        raise RuntimeError(ABSENT)
    with serving(folder, _start) as clamd:
        yield clamd


def _start(programs: Programs) -> Clamd:
    [port] = free_ports(1)
    folder = programs.folder
    (folder / "signatures").mkdir(exist_ok=True)
    (folder / "signatures/stowage.ndb").write_text(f"Stowage.Test:0:*:{MARK.hex()}\n")
    configuration = folder / "clamd.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, limit=LIMIT))
    programs.start("clamd", ["clamd", "--config-file", configuration], {"PATH": PATH})
    programs.wait_for(lambda: _missing(port), seconds=START_SECONDS)
    return Clamd(f"tcp://127.0.0.1:{port}", f"unix://{folder}/clamd.ctl")


def _missing(port: int) -> str:
    """It answers when its signatures are loaded."""
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.sendall(b"zPING\0")
            said = connection.recv(16)
    except OSError as no:
        return f"clamd cannot be reached ({no})"
    return "" if said == b"PONG\0" else f"clamd says {said!r}"
