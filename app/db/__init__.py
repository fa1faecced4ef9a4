"""The database: models, statements and short transactions."""
