"""`make migration`: compare the models with a fresh, migrated database and write the difference as a revision."""

import sys
import tempfile
from pathlib import Path

from alembic.config import Config

from alembic import command
from app.db.database import engine_for
from app.db.migrate import SCRIPTS, upgrade

ROOT = Path(__file__).parents[1]


def main(name: str) -> None:
    """Number it after the last one; read what was written before you commit it."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/fresh.db"
        upgrade(url)
        config = Config(toml_file=ROOT / "pyproject.toml")
        number = f"{len(list(SCRIPTS.glob('versions/*.py'))) + 1:04}"
        with engine_for(url).begin() as connection:
            config.attributes["connection"] = connection
            command.revision(config, message=name, autogenerate=True, rev_id=number)


if __name__ == "__main__":
    main(sys.argv[1])
