"""nginx taking PUTs: what a server in C does, without multipart, digest, fsync or database."""

import os
import shutil
from pathlib import Path

CONFIGURATION = """\
worker_processes 2;
daemon off;
{account}
pid {folder}/pid;
error_log {folder}/log warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_max_body_size 0;
    client_body_buffer_size 256k;
    client_body_temp_path {folder}/body;  # from here a file is renamed to its place
    proxy_temp_path {folder}/tmp/proxy;
    fastcgi_temp_path {folder}/tmp/fastcgi;
    uwsgi_temp_path {folder}/tmp/uwsgi;
    scgi_temp_path {folder}/tmp/scgi;
    server {{
        listen 127.0.0.1:{port};
        location = /readyz {{ return 200; }}
        location / {{ root {folder}/data; dav_methods PUT; }}
    }}
}}
"""


def found() -> str | None:
    """The program, if it is installed."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")


def command(port: int, folder: Path) -> list[str]:
    """What starts it, once its configuration is written into its folder."""
    configuration, account = folder / "nginx.conf", "user root;" if os.geteuid() == 0 else ""
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, account=account))
    return [found() or "nginx", "-p", str(folder), "-e", str(folder / "log"), "-c", str(configuration)]
