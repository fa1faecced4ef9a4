"""Whether a folder outlives the container: what Linux says about the file system it lies on."""

from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
# a container's own layers, and memory
FLEETING = frozenset({"overlay", "aufs", "tmpfs", "ramfs", "rootfs", "squashfs", "proc", "sysfs"})


def lasts(folder: Path, mounts: Path = MOUNTS) -> bool:
    """Whether `folder`, which need not exist yet, lies on something mounted that is a disk.

    The root of a container is wiped at every deploy, whatever it lies on. Source: proc(5), /proc/pid/mountinfo.
    """
    try:
        lines = mounts.read_text().splitlines()
    except OSError:  # not Linux: there is nothing to tell by
        return True
    point, kind = _mount_of(folder.resolve(), lines)
    return point != Path("/") and kind not in FLEETING


def _mount_of(folder: Path, lines: list[str]) -> tuple[Path, str]:
    """The innermost mount point above `folder` and its file system; of two at one place the later one counts."""
    found = Path("/"), "rootfs"
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(before.split()[4].replace("\\040", " "))
        if folder.is_relative_to(point) and len(point.parts) >= len(found[0].parts):
            found = point, after.split()[0]
    return found
