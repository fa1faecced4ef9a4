"""OpenStack Swift with its S3 interface: a real server, over TLS, that checks every signature.

It lives in a virtual environment beside the tests' own, which `make test` makes. Four programs share a folder: the
proxy speaks S3 and asks the servers of accounts, containers and objects. There is one copy of everything.
"""

import contextlib
import gzip
import json
import os
import pwd
import secrets
import struct
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

from tests.standins import s3, tls
from tests.standins.programs import Programs, closed, free_ports, serving
from tests.standins.s3 import S3Server

START_SECONDS = 60
BACKENDS = ("account", "container", "object")
ENVIRONMENT = Path(sys.prefix + "-swift")
ABSENT = f"There is no Swift in {ENVIRONMENT}: these tests need a real S3 server. `make test` installs it."
NO_ATTRIBUTES = "{} has no extended attributes, where Swift keeps what it knows of files: set TMPDIR to another folder."

HASHES = """
[swift-hash]
swift_hash_path_prefix = stowage
swift_hash_path_suffix = tests
"""

# Nobody reads its syslog: warnings go to stderr too, which is the log.
SERVER = """
[DEFAULT]
swift_dir = {folder}
bind_ip = 127.0.0.1
bind_port = {port}
bind_timeout = 2
workers = 0
user = {user}
log_level = WARNING
log_udp_host = 127.0.0.1
log_udp_port = 9
"""

BACKEND = """
devices = {folder}
mount_check = false
disable_fallocate = true

[pipeline:main]
pipeline = {kind}-server

[app:{kind}-server]
use = egg:swift#{kind}
"""

# Its times are long: a slow machine is not a dead one.
PROXY = """
cert_file = {certificate}
key_file = {key}

[pipeline:main]
pipeline = s3api tempauth bulk slo proxy-server

[filter:s3api]
use = egg:swift#s3api
location = {region}
max_upload_part_num = 10000

[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{person} = {secret} .admin

[filter:bulk]
use = egg:swift#bulk

[filter:slo]
use = egg:swift#slo
max_manifest_segments = 10000

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
conn_timeout = 10
node_timeout = 60
recoverable_node_timeout = 60
error_suppression_limit = 1000000
"""


@dataclass(frozen=True, slots=True)
class SwiftServer(S3Server):
    """An S3 server whose listings can be filled by hand: `containers` is the port of the server that keeps them."""

    containers: int


@contextlib.contextmanager
def running(folder: Path) -> Iterator[SwiftServer]:
    """A server that is ready and empty, with everything below a folder; it is gone when the block ends."""
    if not (ENVIRONMENT / "bin" / "swift-proxy-server").exists():
        raise RuntimeError(ABSENT)
    folder.mkdir(parents=True, exist_ok=True)
    _check_attributes(folder)
    with serving(folder, _start) as server:
        yield server


def list_also(server: SwiftServer, bucket: str, keys: Iterable[str]) -> None:
    """Put keys into a bucket's listing, without objects: a thousand real uploads would take ten seconds."""
    account = server.access_key.partition(":")[0]
    facts = {"X-Size": "1", "X-Content-Type": "text/plain", "X-Etag": "0" * 32}
    with contextlib.closing(HTTPConnection("127.0.0.1", server.containers, timeout=30)) as connection:
        for key in keys:
            path = quote(f"/disk/0/AUTH_{account}/{bucket}/{key}")
            connection.request("PUT", path, headers={**facts, "X-Timestamp": f"{time.time():.5f}"})
            answer = connection.getresponse()
            if (answer.status, answer.read())[0] != 201:
                raise RuntimeError(f"{path} was not listed: {answer.status}")


def _start(programs: Programs) -> SwiftServer:
    ports = dict(zip((*BACKENDS, "proxy"), free_ports(4), strict=True))
    server = _configured(programs.folder, ports)
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": str(programs.folder)}
    for kind in ports:
        program = ENVIRONMENT / "bin" / f"swift-{kind}-server"
        programs.start(kind, [program, programs.folder / f"{kind}.conf", "--verbose"], environment)
    with contextlib.closing(s3.client(server)) as asking:
        # Ports are open before a server works; a request waits for that.
        programs.wait_for(lambda: closed(ports.values()) or s3.unanswered(asking), seconds=START_SECONDS)
    return server


def _configured(folder: Path, ports: dict[str, int]) -> SwiftServer:
    """Write the files that the four programs read."""
    account, person, secret, region = "stowage", "tester", secrets.token_hex(20), "us-east-1"
    certificates = tls.make(folder / "tls")
    (folder / "disk").mkdir(exist_ok=True)
    (folder / "swift.conf").write_text(HASHES)
    facts = {"folder": folder, "user": pwd.getpwuid(os.geteuid()).pw_name}
    for kind in BACKENDS:
        (folder / f"{kind}.ring.gz").write_bytes(_ring(ports[kind]))
        text = (SERVER + BACKEND).format(**facts, port=ports[kind], kind=kind)
        (folder / f"{kind}.conf").write_text(text)
    credentials = {"account": account, "person": person, "secret": secret, "region": region}
    pems = {"certificate": certificates.certificate, "key": certificates.key}
    (folder / "proxy.conf").write_text((SERVER + PROXY).format(**facts, **credentials, **pems, port=ports["proxy"]))
    url = f"https://127.0.0.1:{ports['proxy']}"
    return SwiftServer(url, f"{account}:{person}", secret, region, certificates.ca, ports["container"])


def _ring(port: int) -> bytes:
    """Swift's map of which disk has what: one partition, one copy, and one disk, which is number 0."""
    disk = {"device": "disk", "id": 0, "region": 1, "zone": 1, "weight": 1.0, "meta": ""}
    here = {"ip": "127.0.0.1", "port": port, **disk}
    text = json.dumps({"devs": [here], "part_shift": 32, "replica_count": 1, "byteorder": sys.byteorder}).encode()
    return gzip.compress(b"R1NG\x00\x01" + struct.pack("!I", len(text)) + text + struct.pack("=H", 0))


def _check_attributes(folder: Path) -> None:
    if not hasattr(os, "setxattr"):  # not Linux: nothing to check with
        return
    probe = folder / "attributes"
    probe.touch()
    try:
        os.setxattr(probe, "user.swift.metadata", b"1")
    except OSError as no:
        raise RuntimeError(NO_ATTRIBUTES.format(folder)) from no
    finally:
        probe.unlink()
