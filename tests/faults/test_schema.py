"""F27: a deploy migrates the database while the version before still works with it."""

import threading
import time

import psycopg
from starlette.testclient import TestClient

from tests.faults.place import LOGO, Place, png, put_logo, upload, whole

# What later migrations may do: they only add.
ADDITIONS = (
    "ALTER TABLE assets ADD COLUMN colour varchar(32)",
    "ALTER TABLE assets ADD COLUMN views bigint NOT NULL DEFAULT 0",
    "CREATE TABLE labels (asset_id uuid REFERENCES assets (id), label text)",
    "CREATE INDEX ix_assets_colour ON assets (colour)",
    "UPDATE alembic_version SET version_num = 'from_the_future'",
)


class Work:
    """What clients do all the time, and how often they were told what."""

    def __init__(self, client: TestClient) -> None:
        self.statuses: list[int] = []
        self._client, self._over = client, threading.Event()
        self._threads = [threading.Thread(target=self._run, args=[number]) for number in range(3)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Wait for the last answers."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        while not self._over.is_set():
            answers = put_logo(self._client, png(number)), self._client.get(LOGO), upload(self._client, png(number))
            self.statuses += [answer.status_code for answer in answers]


def test_f27_the_next_version_migrates_under_load(fresh: Place) -> None:
    """Columns, a table and an index appear, in one transaction as ours do: no request of the old version notices."""
    with fresh.client() as client:
        put_logo(client, png(0))
        work = Work(client)
        time.sleep(0.3)
        with psycopg.connect(fresh.settings["DATABASE_URL"]) as connection:
            for statement in ADDITIONS:
                connection.execute(statement)
        before = len(work.statuses)
        time.sleep(0.5)
        work.end()
        ready = client.get("/readyz")

    assert set(work.statuses) <= {200, 201}
    assert len(work.statuses) > before > 0
    assert ready.status_code == 200
    left = fresh.settled()
    assert left == whole(len(left.rows))


def test_f27_an_older_version_starts_on_a_newer_database(fresh: Place) -> None:
    """A rollback: it migrates nothing, and works."""
    with fresh.client() as client:
        put_logo(client, png(0))
    with psycopg.connect(fresh.settings["DATABASE_URL"]) as connection:
        for statement in ADDITIONS:
            connection.execute(statement)
    with fresh.client() as client:
        assert put_logo(client, png(1)).status_code == 200
        assert client.get("/readyz").status_code == 200
    assert fresh.settled() == whole(1)
