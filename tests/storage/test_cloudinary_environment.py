"""What the environment says to the Cloudinary SDK changes nothing: it is tried in processes of their own."""

import json
import os
import subprocess
import sys

import pytest

from tests.serving import ROOT
from tests.standins.cloudinary.cloud import Cloud

# The store, from its settings; what it does; what it leaves of the environment.
PROGRAM = """
import io, hashlib, json, os
before = dict(os.environ)
from app.settings import CloudinarySettings
from app.storage import cloudinary
from app.storage.backend import Serving
assert dict(os.environ) == before
store = cloudinary.CloudinaryBackend.from_settings(CloudinarySettings())
png = bytes.fromhex(%r)
def put(key, kind, public):
    digest = hashlib.sha256(png).hexdigest()
    serving = Serving(public=public)
    return store.put(key, io.BytesIO(png), content_type=kind, size=len(png), sha256=digest, serving=serving)
stored, hidden = put("logo/a.png", "image/png", True), put("file/b.bin", "application/pdf", False)
store.ping()
with store.open("file/b.bin", details=hidden.details) as stream:
    same = stream.read() == png
listed = sorted(info.key for info in store.list())
store.delete("file/b.bin", details=hidden.details)
print(json.dumps({"url": stored.url, "hidden": hidden.url, "same": same, "listed": listed}))
"""
STRAY = {
    "CLOUDINARY_UPLOAD_PRESET": "somebody-elses",
    "CLOUDINARY_TIMEOUT": "30",
    "CLOUDINARY_CHUNK_SIZE": "nonsense",
    "CLOUDINARY_SECURE": "False",
    "CLOUDINARY_SECURE_DISTRIBUTION": "elsewhere.example",
    "CLOUDINARY_PRIVATE_CDN": "true",
    "CLOUDINARY_CNAME": "elsewhere.example",
    "CLOUDINARY_SIGNATURE_ALGORITHM": "nonsense",
    "CLOUDINARY_SIGNATURE_VERSION": "1",
    "CLOUDINARY_OAUTH_TOKEN": "somebody-elses",
    "CLOUDINARY_API_PROXY": "http://127.0.0.1:9",
    "CLOUDINARY_DISABLE_TCP_KEEP_ALIVE": "true",
    "CLOUDINARY_USE_CACHE": "true",
    "CLOUDINARY_ACCOUNT_URL": "nonsense",
}


def started(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A process whose environment is this and no more."""
    named = {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error", **environment}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, env=named, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("url", [False, True], ids=["three variables", "one URL"])
def test_trap_stray_variables_change_uploads(cloud: Cloud, png: bytes, *, url: bool) -> None:
    """Presets, time-outs, hosts and tokens of the SDK: none of them is sent, none breaks a call."""
    ours = {"CLOUDINARY_URL": cloud.address} if url else cloud.environment
    done = started(PROGRAM % png.hex(), {**STRAY, **ours})
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)

    assert said["url"].startswith(f"https://res.cloudinary.com/{cloud.cloud_name}/image/upload/v")
    assert (said["hidden"], said["same"], said["listed"]) == (None, True, ["file/b.bin", "logo/a.png"])
    assert not any("upload_preset" in call.fields for call in cloud.calls)
    assert not any("bearer" in call.headers.get("authorization", "").lower() for call in cloud.calls)
    assert [call.status for call in cloud.calls] == [200] * len(cloud.calls)


@pytest.mark.parametrize("url", ["nonsense", '"cloudinary://a:b@c"', "https://a:b@c", "cloudinary://", ""])
def test_trap_a_bad_url_breaks_the_import(url: str) -> None:
    """The SDK raises when it is imported; here nothing is read then, and the variable is still there afterwards."""
    code = "import os; from app.storage import cloudinary; print(os.environ['CLOUDINARY_URL'])"
    done = started(code, {"CLOUDINARY_URL": url, "CLOUDINARY_ACCOUNT_URL": url})

    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, url, "")


def test_a_missing_part_is_told_in_a_sentence() -> None:
    """By the one who makes the store."""
    code = "from app.settings import *; from app.storage import registry; registry.make('cloudinary', Settings())"
    done = started(code, {"CLOUDINARY_CLOUD_NAME": "acme", "CLOUDINARY_API_KEY": "1"})

    assert "CLOUDINARY_API_SECRET" in done.stderr.splitlines()[-1]
