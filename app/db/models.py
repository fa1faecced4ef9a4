"""The tables, declared once for Alembic and for the statements beside this file."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text, Uuid, text

from app.db.clock import clock
from app.db.columns import Json, Moment

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

assets = Table(
    "assets",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant", String(255), nullable=False),
    Column("state", String(8), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("key", String(512), nullable=False, unique=True),
    Column("store", String(32), nullable=False),
    Column("public_id", String(512)),
    Column("url", Text),
    Column("details", Json),
    Column("filename", Text, nullable=False),
    Column("content_type", String(255), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("visibility", String(8), nullable=False),
    Column("metadata", Json, nullable=False),
    Column("original_sha256", String(64)),
    Column("uncleaned", Json),
    # Set anew when the asset becomes ready, so that pages are in the order of the answers.
    Column("created_at", Moment, nullable=False),
    # When the sweeper may look at it: pending and doomed rows only.
    Column("due_at", Moment),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
)

READY = text("state = 'ready'")
LEFT_OVER = text("state <> 'ready'")


def _page(name: str, *columns: str) -> None:
    """An index that serves one filter's pages from the first to the last at the same cost."""
    order = [assets.c[c] for c in (*columns, "created_at", "id")]
    Index(name, *order, postgresql_where=READY, sqlite_where=READY)


_page("ix_assets_all_pages")
_page("ix_assets_pages", "tenant")
_page("ix_assets_kind_pages", "tenant", "kind")
_page("ix_assets_sha256_pages", "tenant", "sha256")
_page("ix_assets_filename_pages", "tenant", "filename")
Index("ix_assets_due_at", assets.c.due_at, postgresql_where=LEFT_OVER, sqlite_where=LEFT_OVER)

slots = Table(
    "slots",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant", String(255), nullable=False),
    Column("scope", String(255), nullable=False),
    Column("owner", String(255), nullable=False),
    Column("name", String(255), nullable=False),
    Column("asset_id", Uuid, ForeignKey("assets.id"), index=True),
    Column("created_at", Moment, nullable=False, default=clock()),
    Index("uq_slots_tenant_scope_owner_name", "tenant", "scope", "owner", "name", unique=True),
)

# Which disk each store was when it was first used: another one in its place is noticed.
stores = Table(
    "stores",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("identity", String(64), nullable=False),
    Column("created_at", Moment, nullable=False, default=clock()),
)

claims = Table(
    "claims",
    metadata,
    Column("tenant", String(255), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("asset_ids", Json, nullable=False),
    Column("answer", Json),
    Column("created_at", Moment, nullable=False, index=True, default=clock()),
)
