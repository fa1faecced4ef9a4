"""Stowage keeps uploaded files: bytes in a store, their address in a database."""

__version__ = "0.1.0"
