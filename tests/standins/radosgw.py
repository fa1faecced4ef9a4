"""Ceph's radosgw: a second real S3 server, over TLS. It knows more of S3 than Swift and takes longer to start.

Three programs share a folder: a monitor, one disk that is memory, and the gateway. They come from Debian packages.
"""

import contextlib
import os
import secrets
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from tests.standins import s3, tls
from tests.standins.programs import Programs, free_ports, serving
from tests.standins.s3 import S3Server

START_SECONDS = 60
USER = "tester"
PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")
PACKAGES = "ceph-common ceph-mon ceph-osd radosgw"
ABSENT = f"{{}} not found: these tests need a real radosgw. apt install --no-install-recommends {PACKAGES}"

# A monitor waits for a second before each change, for there may be more: a start has a dozen of them.
CONFIGURATION = """
[global]
fsid = {cluster}
mon_initial_members = a
mon_host = [v1:127.0.0.1:{monitor}]
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_msgr2 = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_crush_update_on_start = false
osd_class_update_on_start = false
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
mon_max_pg_per_osd = 1000
osd_objectstore = memstore
memstore_device_bytes = 1073741824
run_dir = {folder}
crash_dir = {folder}
mon_data = {folder}/mon
osd_data = {folder}/osd
log_file =
log_to_stderr = true
err_to_stderr = true
admin_socket =
pid_file =

[client.rgw]
rgw_frontends = beast ssl_endpoint=127.0.0.1:{gateway} ssl_certificate={certificate} ssl_private_key={key}
rgw_enable_usage_log = false
"""


@contextlib.contextmanager
def running(folder: Path) -> Iterator[S3Server]:
    """A server that is ready and empty, with everything below a folder; it is gone when the block ends."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise RuntimeError(ABSENT.format(", ".join(missing)))
    with serving(folder, _start) as server:
        yield server


def _start(programs: Programs) -> S3Server:
    """A monitor, a disk that it knows, a user, and the gateway: in this order."""
    monitor, gateway = free_ports(2)
    home = Path(tempfile.mkdtemp(dir=programs.folder))
    certificates = tls.make(home / "tls")
    cluster, disk, secret = str(uuid.uuid4()), str(uuid.uuid4()), secrets.token_hex(20)
    server = S3Server(f"https://127.0.0.1:{gateway}", USER, secret, "us-east-1", certificates.ca)
    environment = _environment(home, cluster=cluster, monitor=monitor, gateway=gateway, certificates=certificates)

    def run(*command: str) -> None:
        programs.run(command[0], command, environment, seconds=START_SECONDS)

    address = f"[v1:127.0.0.1:{monitor}]"
    run("monmaptool", "--create", "--addv", "a", address, "--fsid", cluster, f"{home}/monmap")
    run("ceph-mon", "--mkfs", "-i", "a", "--monmap", f"{home}/monmap")
    programs.start("monitor", ["ceph-mon", "-f", "-i", "a"], environment)
    run("ceph", "osd", "new", disk)
    run("ceph", "osd", "crush", "add", "osd.0", "1", "root=default")
    run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk)
    programs.start("disk", ["ceph-osd", "-f", "-i", "0"], environment)
    keys = ("--access-key", USER, "--secret-key", secret)
    run("radosgw-admin", "-n", "client.rgw", "user", "create", "--uid", USER, "--display-name", USER, *keys)
    programs.start("gateway", ["radosgw", "-f", "-n", "client.rgw"], environment)
    with contextlib.closing(s3.client(server)) as asking:
        programs.wait_for(lambda: s3.unanswered(asking), seconds=START_SECONDS)
    return server


def _environment(home: Path, *, certificates: tls.Certificates, **facts: object) -> dict[str, str]:
    """Write the file that all programs read, and say where it is."""
    for name in ("mon", "osd"):
        (home / name).mkdir()
    pems = {"certificate": certificates.certificate, "key": certificates.key}
    (home / "ceph.conf").write_text(CONFIGURATION.format(folder=home, **pems, **facts))
    path = os.environ.get("PATH", os.defpath)
    return {"PATH": path, "LC_ALL": "C.UTF-8", "HOME": str(home), "CEPH_CONF": str(home / "ceph.conf")}
