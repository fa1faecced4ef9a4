"""What this process may do: started as root, it gives the data folder to an ordinary user and becomes that user."""

import os
import re
from contextlib import suppress
from pathlib import Path

NOT_OURS = "lost+found"  # the file system's, and root's for good
PRIVATE = 0o077  # umask: what we keep is for our user alone


def step_down(data_dir: Path | None, *, run_as: str | None, railway: bool = False) -> None:
    """Stop being root and make sure that the data folder can be written; None where nothing is kept in a folder.

    `run_as` is a number or two, `10001` or `10001:10001`; without it, or with 0, the user stays. To be called before
    anything is opened and any thread is started, by whatever starts the service: a platform may replace the image's
    command, so no entry point can do this. Calling it again is fine. ValueError: one line that says what to set.
    """
    if run_as:
        uid, gid = _numbers(run_as)
        os.umask(PRIVATE)
        if uid and os.geteuid() == 0:
            if data_dir is not None:
                _give(data_dir, uid, gid)
            _become(uid, gid)
    if data_dir is not None:
        _expect_writable(data_dir, railway=railway)


def _numbers(run_as: str) -> tuple[int, int]:
    """User and group; the group's number is the user's if it isn't said."""
    if re.fullmatch(r"[0-9]{1,9}(:[0-9]{1,9})?", run_as) is None:
        raise ValueError("RUN_AS: set the number of a user, such as 10001, or of a user and a group, 10001:10001")
    uid, _, gid = run_as.partition(":")
    return int(uid), int(gid or uid)


def _give(folder: Path, uid: int, gid: int) -> None:
    """Give away the folder and what is in it, where somebody else owns it.

    Only what lies directly in it is looked at, so that a start with a million files takes no time. An entry with the
    wrong owner is given away with all that is below it, and is the last to change: cut short, it begins anew.
    """
    with suppress(OSError):  # what can't be made or read is refused below, as the user that we become
        folder.mkdir(parents=True, exist_ok=True)
        with os.scandir(folder) as entries:
            foreign = [e for e in entries if e.name != NOT_OURS and e.stat(follow_symlinks=False).st_uid != uid]
        for entry in foreign:
            if entry.is_dir(follow_symlinks=False):
                _give_below(entry.path, uid, gid)
            _chown(entry.path, uid, gid)
        if folder.stat().st_uid != uid:
            os.chown(folder, uid, gid)


def _give_below(path: str, uid: int, gid: int) -> None:
    """The deepest first. No symlink is followed: the former owner may have left one that leads out."""
    for _, folders, files, fd in os.fwalk(path, topdown=False):
        for name in (*folders, *files):
            _chown(name, uid, gid, dir_fd=fd)


def _chown(path: str, uid: int, gid: int, *, dir_fd: int | None = None) -> None:
    with suppress(OSError):  # gone meanwhile, or a disk that has no owners
        os.chown(path, uid, gid, dir_fd=dir_fd, follow_symlinks=False)


def _become(uid: int, gid: int) -> None:
    try:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    except OSError as refused:
        raise ValueError(
            f"RUN_AS: this container may not become user {uid}: start it with --user {uid}, "
            "or leave it the capabilities CHOWN, SETGID and SETUID"
        ) from refused
    os.environ["HOME"] = "/"  # libraries that look into root's home would be refused, not merely find nothing


def _expect_writable(folder: Path, *, railway: bool) -> None:
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        advice = _advice(folder, railway=railway)
        raise ValueError(f"Volume not writable: user {os.geteuid()} can't write to {folder}: {advice}")


def _advice(folder: Path, *, railway: bool) -> str:
    user = f"{os.geteuid()}:{os.getegid()}"
    if _read_only(folder):
        return "its file system is read-only, mount a volume or a folder there"
    if railway:
        return "set RAILWAY_RUN_UID=0 and deploy again, the service then gives the volume to its own user"
    return f"start the container as root, which gives it to RUN_AS, or run: chown -R {user} {folder}"


def _read_only(folder: Path) -> bool:
    """Whether the file system is, on which the folder lies or would lie."""
    with suppress(OSError):
        there = next(place for place in (folder, *folder.parents) if place.exists())
        return bool(os.statvfs(there).f_flag & os.ST_RDONLY)
    return False
