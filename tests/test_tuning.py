"""What `stowage serve` tells the C library and the garbage collector."""

import json
import os
import subprocess
import sys
from typing import Any

PROGRAM = """
import ctypes, gc, json
from app.cli.tuning import calm_collector, calm_malloc

NAMES = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"  # malloc.h, struct mallinfo2

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in NAMES.split()]

def mapped():
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype, libc.malloc.restype = Info, ctypes.c_void_p
    before = libc.mallinfo2().hblks
    libc.malloc(1 << 20)
    return libc.mallinfo2().hblks - before

before = mapped()
calm_malloc()
after = mapped()
calm_collector()
print(json.dumps({"before": before, "after": after, "frozen": gc.get_freeze_count(), "young": gc.get_threshold()[0]}))
"""


def told(**environment: str) -> dict[str, Any]:
    """What a fresh process says of itself."""
    asked = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(asked, env={**os.environ, **environment}, capture_output=True, check=True, timeout=60)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_megabyte_is_no_longer_mapped_by_itself() -> None:
    """The kernel was asked for it before, and keeps it afterwards."""
    answer = told()

    assert (answer["before"], answer["after"]) == (1, 0)


def test_what_the_operator_has_set_stands() -> None:
    """The environment wins."""
    assert told(MALLOC_MMAP_THRESHOLD_="65536")["after"] == 1


def test_what_is_there_is_never_looked_at_again() -> None:
    """Modules, classes, routes."""
    answer = told()

    assert answer["frozen"] > 1000
    assert answer["young"] > 700
