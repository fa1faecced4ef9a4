"""what came: the digest of a file that was cleaned, and what could not be taken out"""

import sqlalchemy as sa

from alembic import op
from app.db import columns

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two columns more, empty for what came before; the version before does not know them."""
    op.add_column("assets", sa.Column("original_sha256", sa.String(64)))
    op.add_column("assets", sa.Column("uncleaned", columns.Json()))
