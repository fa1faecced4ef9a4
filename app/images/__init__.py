"""Pixels only: no database, no store, no HTTP."""
