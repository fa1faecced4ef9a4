"""`python -m app …`: the same as `stowage …`."""

from app.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
