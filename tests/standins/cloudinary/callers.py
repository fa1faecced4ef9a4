"""How the stand-in's own tests call it: the real SDK, and raw HTTP for what the SDK would never send."""

import contextlib
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import cloudinary
import cloudinary.api
import cloudinary.uploader
import httpx2
import pytest
from cloudinary.api_client import call_api
from cloudinary.utils import api_sign_request

from tests.serving import ROOT
from tests.standins.cloudinary.cloud import Account, Cloud, running


@contextlib.contextmanager
def opened(account: Account | None = None) -> Iterator[Cloud]:
    """A running cloud, and an SDK that knows nothing of the machine's environment and keeps no connection."""
    with pytest.MonkeyPatch.context() as patch, running(account) as cloud:
        for name in list(os.environ):
            if name.startswith("CLOUDINARY_"):
                patch.delenv(name)
        cloudinary.reset_config()
        try:
            yield cloud
        finally:
            cloudinary.uploader._http.clear()
            call_api._http.clear()


@contextlib.contextmanager
def spoken_to(*command: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process with pipes, ended whatever happens."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, *command], cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def signed(cloud: Cloud, *, secret: str = "", version: int = 2, **fields: str) -> dict[str, str]:
    """Fields with the time, the key and the signature that the SDK makes for them."""
    sent = {"timestamp": str(int(time.time())), **fields}
    signature = api_sign_request(sent, secret or cloud.api_secret, signature_version=version)
    return {**sent, "signature": signature, "api_key": cloud.api_key}


def post(cloud: Cloud, path: str, fields: dict[str, str], file: bytes | None = None, **headers: str) -> httpx2.Response:
    """POST a form; headers are named with _ for -."""
    url = f"{cloud.url}/v1_1/{cloud.cloud_name}/{path}"
    files = {"file": ("file.bin", file)} if file is not None else None
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    with client() as caller:
        return caller.post(url, data=fields, files=files, headers=names)


def get(url: str, **headers: str) -> httpx2.Response:
    """GET; nothing is followed."""
    with client() as caller:
        return caller.get(url, headers=headers)


def client() -> httpx2.Client:
    """One that reads neither the environment nor the machine's certificates: both take longer than a call."""
    return httpx2.Client(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False, timeout=30)


def send(cloud: Cloud, content: bytes, path: str = "raw/upload", **fields: str) -> httpx2.Response:
    """A signed upload of one file."""
    return post(cloud, path, signed(cloud, **fields), content)


def send_chunk(
    cloud: Cloud, content: bytes, span: str, upload_id: str | None = "one", **fields: str
) -> httpx2.Response:
    """A signed chunk; `span` is first-last/total."""
    headers = {"Content_Range": f"bytes {span}"} | ({"X_Unique_Upload_Id": upload_id} if upload_id else {})
    return post(cloud, "raw/upload", signed(cloud, **fields), content, **headers)


def message(response: httpx2.Response) -> str:
    """What an error answer says."""
    text: Any = response.json()["error"]["message"]
    return str(text)
