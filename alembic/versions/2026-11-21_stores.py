"""stores: which disk each store was"""

import sqlalchemy as sa

from alembic import op
from app.db import columns

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table more; the version before does not know it."""
    op.create_table(
        "stores",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("created_at", columns.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_stores"),
    )
