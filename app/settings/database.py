"""Which database, and how many connections to it."""

from pydantic import SecretStr

from app.settings.group import Group, env


class DatabaseSettings(Group):
    """Which database, and how many connections to it."""

    url: SecretStr | None = env(
        "DATABASE_URL", default=None, text="`postgresql://…` or `sqlite:///…`; unset: SQLite in `DATA_DIR`."
    )
    migrations_url: SecretStr | None = env(
        "MIGRATIONS_DATABASE_URL",
        "DATABASE_UNPOOLED_URL",
        default=None,
        text="Where migrations run, if `DATABASE_URL` is a pooler.",
    )
    pool_size: int = env("DATABASE_POOL_SIZE", default=8, text="Connections (and threads) for the database.", ge=1)
    migrate_on_start: bool = env("MIGRATE_ON_START", default=True, text="Bring the database up to date at start.")
