"""Before serving: the C library keeps large pieces of memory, the garbage collector looks at what is new only."""

import contextlib
import ctypes
import gc
import os

MIB = 1 << 20

# malloc.h of glibc. A piece of an upload has some 250 KiB; above 128 KiB glibc asks the kernel for each one anew and
# gives it back at once. Two arenas: each thread would get its own, and none gives anything back.
CALM = {
    "MALLOC_ARENA_MAX": (-8, 2),
    "MALLOC_MMAP_THRESHOLD_": (-3, 4 * MIB),
    "MALLOC_TRIM_THRESHOLD_": (-1, 8 * MIB),
}
YOUNG = 10_000  # objects made before the collector looks at them


def calm_malloc() -> None:
    """Set what the environment doesn't. Elsewhere than on glibc there is nothing to set."""
    with contextlib.suppress(AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for name, (parameter, value) in CALM.items():
            if name not in os.environ:
                mallopt(parameter, value)


def calm_collector() -> None:
    """What lives as long as the process is never looked at again; to be called when all of it is there."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
