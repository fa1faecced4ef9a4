"""Connections to S3: their time-outs, and the machine's proxy where there is one."""

import socket
import ssl
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import LocationValueError, ProxySchemeUnknown

CONNECT_SECONDS, READ_SECONDS = 5, 30
CONNECTIONS = 32
BLOCK = 64 * 1024  # bytes of a body handed to the socket at once; all of them must leave within a time-out


def connections(root: str, trust: ssl.SSLContext | None) -> urllib3.PoolManager:
    """Connections for all threads, to a server below `root`; `trust`: whom over TLS."""
    pool = _manager(root, trust)
    pool.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
    return pool


def _manager(root: str, trust: ssl.SSLContext | None) -> urllib3.PoolManager:
    """Through the machine's proxy where there is one. `Patience` tries again, not this."""
    at = urlsplit(root)
    alive = (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options: dict[str, Any] = {
        "maxsize": CONNECTIONS,
        "retries": False,
        "timeout": urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        "blocksize": BLOCK,
        "socket_options": [*HTTPConnection.default_socket_options, alive],
        "ssl_context": trust,
    }
    proxy = "" if proxy_bypass(at.netloc) else getproxies().get(at.scheme, "").strip()
    if not proxy:
        return urllib3.PoolManager(**options)
    address = proxy if "://" in proxy else f"http://{proxy}"
    try:
        told = urllib3.util.parse_url(address).auth
        greeting = urllib3.make_headers(proxy_basic_auth=unquote(told)) if told else None
        return urllib3.ProxyManager(address, proxy_headers=greeting, **options)
    except (LocationValueError, ProxySchemeUnknown):  # their texts may hold its password
        raise ValueError(f"The store s3 can't use {at.scheme.upper()}_PROXY: it is no address of a proxy.") from None


class _Plain(HTTPConnection):
    """A connection whose writes may take as long as its reads: the library gives them the seconds to connect."""

    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(READ_SECONDS)


class _Secure(HTTPSConnection):
    """The same over TLS."""

    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(READ_SECONDS)


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Secure
