"""The only place where classes become objects."""

import secrets
import tempfile
from pathlib import Path

from app.assets.callers import Callers
from app.assets.clamd import Clamd
from app.assets.clean import Cleaner
from app.assets.identity import Identities
from app.assets.ingest import Ingest
from app.assets.policy import Policies
from app.assets.ready import Readiness
from app.assets.scan import Scanner
from app.assets.service import AssetService
from app.assets.sweep import Sweeper
from app.assets.tokens import Tokens
from app.db.database import Database
from app.errors import StorageError
from app.process import step_down
from app.services import Services
from app.settings import Settings
from app.settings.refusals import check
from app.storage import registry
from app.storage.backend import Adopts, Backend
from app.storage.spool import Spool
from app.storage.storage import Storage, Stores
from app.telemetry import log

DEV_KEY = "development-key"


def settle(settings: Settings) -> Settings:
    """The settings, checked; from now on this process is an ordinary user that can write its folder.

    Called by whatever starts the service, before anything is opened: a platform may replace the image's command.
    """
    check(settings)
    step_down(settings.folder, run_as=settings.server.run_as, railway=settings.server.platform == "Railway")
    return settings


def build(settings: Settings) -> Services:
    """Settings -> everything that lives as long as the process. ValueError: one line that says what to set."""
    check(settings)
    stores = make_stores(settings)
    database = Database(settings.database_url, pool_size=settings.database.pool_size)
    default = stores.default.backend
    spool = Spool(_spool_folder(default), temporary=not isinstance(default, Adopts))
    policies, scanner = Policies.of(settings.limits), make_scanner(settings)
    cleaner = Cleaner(policies, scanner=scanner, strip=settings.limits.strip)
    tokens = Tokens(settings.auth)
    ingest = Ingest(database, stores, policies, cleaner, grace=settings.sweep.grace)
    return Services(
        settings=settings,
        assets=AssetService(database, stores, ingest, cleaner),
        callers=Callers(api_keys(settings), tokens),
        policies=policies,
        ready=Readiness(database, stores, scanner),
        sweeper=Sweeper(database, stores, spool, grace=settings.sweep.grace),
        spool=spool,
        database=database,
        stores=stores,
        ingest=ingest,
        identities=Identities(database, stores, ephemeral=settings.server.allow_ephemeral),
        tokens=tokens,
        cleaner=cleaner,
        scanner=scanner,
    )


def make_stores(settings: Settings) -> Stores:
    """The store for new bytes, and those that older rows may name. One of these that can't be made is left out."""
    default, *others = registry.configured(settings)
    stores = [Storage(default, registry.make(default, settings))]
    for name in others:
        try:
            stores.append(Storage(name, registry.make(name, settings)))
        except (ValueError, StorageError) as reason:
            log("store.left_out", level=30, store=name, reason=str(reason))
    return Stores(stores)


def make_scanner(settings: Settings) -> Scanner | None:
    """The virus scan, if one is wanted."""
    place = settings.scan.clamd_at
    return None if place is None else Scanner(Clamd(place))


def api_keys(settings: Settings) -> str:
    """The configured keys; in development, without any, a key of our own that is kept in the data folder."""
    if settings.auth.api_keys is not None:
        return settings.auth.api_keys.get_secret_value()
    return "" if settings.server.production else f"default:{development_key(settings)}"


def development_key(settings: Settings) -> str:
    """The same key at every start, readable by this user alone."""
    path = settings.storage.data_dir / DEV_KEY
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(f"dev-{secrets.token_urlsafe(24)}\n")
        draft.rename(path)
    return path.read_text().strip()


def _spool_folder(backend: Backend) -> Path:
    """Beside the store's files where it can adopt them, else a folder for temporary files."""
    if isinstance(backend, Adopts):
        return backend.spool
    folder = Path(tempfile.gettempdir()) / "stowage-spool"
    folder.mkdir(exist_ok=True)
    return folder
