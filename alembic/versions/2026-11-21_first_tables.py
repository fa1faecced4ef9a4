"""first tables"""

import sqlalchemy as sa

from alembic import op
from app.db import columns

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

READY = {"postgresql_where": sa.text("state = 'ready'"), "sqlite_where": sa.text("state = 'ready'")}
LEFT_OVER = {"postgresql_where": sa.text("state <> 'ready'"), "sqlite_where": sa.text("state <> 'ready'")}


def upgrade() -> None:
    """Assets, slots, and claims on Idempotency-Keys."""
    _assets()
    _slots()
    _claims()


def _assets() -> None:
    op.create_table(
        "assets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.String(255), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("key", sa.String(512), nullable=False),
        sa.Column("store", sa.String(32), nullable=False),
        sa.Column("public_id", sa.String(512)),
        sa.Column("url", sa.Text()),
        sa.Column("details", columns.Json()),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("content_type", sa.String(255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("width", sa.Integer()),
        sa.Column("height", sa.Integer()),
        sa.Column("visibility", sa.String(8), nullable=False),
        sa.Column("metadata", columns.Json(), nullable=False),
        sa.Column("created_at", columns.Moment(), nullable=False),
        sa.Column("due_at", columns.Moment()),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_assets"),
        sa.UniqueConstraint("key", name="uq_assets_key"),
    )
    for name, columns_before in {
        "ix_assets_all_pages": [],
        "ix_assets_pages": ["tenant"],
        "ix_assets_kind_pages": ["tenant", "kind"],
        "ix_assets_sha256_pages": ["tenant", "sha256"],
        "ix_assets_filename_pages": ["tenant", "filename"],
    }.items():
        op.create_index(name, "assets", [*columns_before, "created_at", "id"], **READY)
    op.create_index("ix_assets_due_at", "assets", ["due_at"], **LEFT_OVER)


def _slots() -> None:
    op.create_table(
        "slots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.String(255), nullable=False),
        sa.Column("scope", sa.String(255), nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("asset_id", sa.Uuid()),
        sa.Column("created_at", columns.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_slots"),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name="fk_slots_asset_id"),
    )
    op.create_index("ix_slots_asset_id", "slots", ["asset_id"])
    op.create_index("uq_slots_tenant_scope_owner_name", "slots", ["tenant", "scope", "owner", "name"], unique=True)


def _claims() -> None:
    op.create_table(
        "claims",
        sa.Column("tenant", sa.String(255), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("asset_ids", columns.Json(), nullable=False),
        sa.Column("answer", columns.Json()),
        sa.Column("created_at", columns.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name="pk_claims"),
    )
    op.create_index("ix_claims_created_at", "claims", ["created_at"])
