"""F18, F19, F24: what is deleted while the store cannot or somebody still reads it; a store that lets nobody in."""

import itertools
import threading
import time
from typing import Any

import pytest
from sqlalchemy import select

from app.db.database import engine_for
from app.db.models import assets
from tests.api.refusals import refused
from tests.clouds import environment_of
from tests.faults.place import LOGO, Place, logo, png, put_logo, talking, upload, whole
from tests.faults.proxy import Proxy, Trouble
from tests.serving import Served
from tests.standins import s3_faults as s3
from tests.standins.cloudinary import faults as cld
from tests.standins.cloudinary.cloud import Cloud
from tests.standins.s3 import S3Server, new_bucket
from tests.standins.s3_faults import Faults

S3_REFUSALS = {"5xx": s3.SLOW_DOWN, "denied": s3.ACCESS_DENIED, "hung up": s3.dropped}
CLOUDINARY_REFUSALS = {"420": cld.refuse(420), "denied": cld.refuse(401), "500": cld.refuse(500)}
# One of each in every run, the others where there is time.
IN_TURN = [
    [first, *[pytest.param(name, marks=pytest.mark.slow) for name in others]]
    for first, *others in (S3_REFUSALS, CLOUDINARY_REFUSALS)
]
SECRET = "a-wrong-secret-that-nobody-may-see"


def attempts(place: Place) -> list[int]:
    """How often the sweeper has tried, for every asset that is not ready."""
    engine = engine_for(place.settings["DATABASE_URL"])
    with engine.connect() as connection:
        found = connection.execute(select(assets.c.attempts).where(assets.c.state != "ready")).scalars().all()
    engine.dispose()
    return sorted(found)


def deleted_and_swept(place: Place, heal: Any) -> None:
    """A replaced logo and a deleted photo: readers are told 404 at once, the rows stay until their bytes are gone."""
    with place.client() as client:
        old = put_logo(client, png(1)).json()
        photo = upload(client, png(2)).json()
        put_logo(client, png(3))
        assert client.delete(f"/v1/assets/{photo['id']}").status_code == 204
        for gone in (old, photo):
            assert client.get(f"/f/{gone['id']}/a.png").status_code == 404
    for tried in (1, 2):
        place.expire()
        report = place.sweep()
        assert (report.deleted, report.failed) == (0, 2)
        assert attempts(place) == [tried, tried]
    heal()
    assert place.sweep().deleted == 0  # they are put off
    place.expire()
    assert place.sweep().deleted == 2
    assert place.left() == whole(1)


@pytest.mark.parametrize("refusal", IN_TURN[0])
def test_f18_s3_does_not_delete(on_s3: Place, faults: Faults, refusal: str) -> None:
    """Tombstones stay, are tried again later and later, and drain when it does."""
    faults.script("DELETE", "", itertools.repeat(S3_REFUSALS[refusal]))
    deleted_and_swept(on_s3, faults.heal)


@pytest.mark.parametrize("refusal", IN_TURN[1])
def test_f18_cloudinary_does_not_delete(on_cloudinary: Place, cloud: Cloud, refusal: str) -> None:
    """Tombstones stay, are tried again later and later, and drain when it does."""
    cloud.faults.always("destroy", CLOUDINARY_REFUSALS[refusal])
    deleted_and_swept(on_cloudinary, cloud.faults.clear)


def test_f18_what_is_gone_already_is_deleted(on_s3: Place, faults: Faults) -> None:
    """Somebody emptied the bucket: the sweep is done with it."""
    with on_s3.client() as client:
        put_logo(client, png(1))
        client.delete(LOGO)
    faults.memory.objects.clear()

    assert on_s3.sweep().deleted == 1
    assert on_s3.left() == whole(0)


@pytest.mark.parametrize("store", ["s3", pytest.param("local", marks=pytest.mark.slow)])
def test_f19_a_slow_reader_of_a_replaced_logo(request: pytest.FixtureRequest, place: Place, store: str) -> None:
    """It began before: it gets the whole old file, which was replaced twice and swept meanwhile."""
    place.settings |= environment_of(store, request)
    old, read = png(1, size=12_000_000), []
    with place.service(LOGO_MAX_MB="20") as service, Proxy(service.port) as proxy, talking(service) as client:
        permalink = put_logo(client, old).json()["slot"]["permalink"]
        proxy.trouble = Trouble(rate=2_000_000)
        reading = threading.Thread(target=_read, args=[service, proxy.port, permalink, read])
        reading.start()
        while proxy.down < 200_000:
            time.sleep(0.01)
        proxy.trouble = Trouble(silent=True)
        for number in (2, 3):
            assert put_logo(client, png(number)).status_code == 200
        assert (place.sweep().deleted, read) == (2, [])
        proxy.heal()
        reading.join()
        assert logo(client) == png(3)
    assert read == [old]


def _read(service: Served, port: int, permalink: str, read: list[bytes]) -> None:
    with talking(service, port) as reader:
        read.append(reader.get("/f/" + permalink.partition("/f/")[2]).content)


@pytest.mark.parametrize("wrong", ["secret", "key", "bucket"])
def test_f24_the_store_lets_nobody_in(
    place: Place, swift: S3Server, caplog: pytest.LogCaptureFixture, wrong: str
) -> None:
    """502 for uploads, `/readyz` says which of them it is, and no secret is in any answer or line of the log."""
    secret = SECRET if wrong == "secret" else swift.secret_key
    place.settings |= {"S3_REGION": swift.region, "S3_ENDPOINT_URL": swift.url, "AWS_SECRET_ACCESS_KEY": secret}
    place.settings["AWS_CA_BUNDLE"] = str(swift.ca)
    place.settings["AWS_ACCESS_KEY_ID"] = "nobody:at-all" if wrong == "key" else swift.access_key
    place.settings["S3_BUCKET"] = "no-such-bucket" if wrong == "bucket" else new_bucket(swift)
    caplog.set_level("DEBUG")
    with place.client() as client:
        answer, ready = put_logo(client, png(1)), client.get("/readyz")

    detail = refused(answer, 502, "storage_refused")["detail"]
    told = ready.json()["checks"]["storage"]["reason"]
    assert ready.status_code == 503
    assert ("bucket" if wrong == "bucket" else "access key") in told  # a HEAD has no body that could say more
    assert wrong != "secret" or "secret key" in detail
    assert secret not in answer.text + ready.text + str([vars(record) for record in caplog.records])
    assert place.states() == ["pending"]
