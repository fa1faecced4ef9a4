"""The careful tutorial's upload service: UploadFile, copyfileobj in a thread, a SQLAlchemy row, a FileResponse."""

import os
import shutil
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, UploadFile
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

FOLDER = Path(os.environ["PEER_DATA"])
BLOCK = 1 << 20

engine = create_engine(os.environ["DATABASE_URL"], pool_size=20, max_overflow=0)
sessions = sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


class Base(DeclarativeBase):
    """The tables."""


class StoredFile(Base):
    """A row for each file."""

    __tablename__ = "stored_files"

    id: Mapped[str] = mapped_column(primary_key=True)
    filename: Mapped[str]
    content_type: Mapped[str]
    size: Mapped[int]
    url: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC).replace(tzinfo=None))


class StoredFileOut(BaseModel):
    """What is answered."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    filename: str
    content_type: str
    size: int
    url: str
    created_at: datetime


Base.metadata.create_all(engine)


def session() -> Iterator[Session]:
    """A session for each request."""
    with sessions() as opened:
        yield opened


SessionDep = Annotated[Session, Depends(session)]


@app.get("/readyz")
def ready() -> dict[str, str]:
    """The server is up."""
    return {"status": "ready"}


@app.post("/files", status_code=201, response_model=StoredFileOut)
def upload(file: UploadFile, opened: SessionDep) -> StoredFile:
    """Keep a file: no fsync, no digest, no check of contents or callers."""
    name = uuid.uuid4().hex
    with (FOLDER / name).open("wb") as kept:
        shutil.copyfileobj(file.file, kept, BLOCK)
    row = StoredFile(
        id=name,
        filename=file.filename or "",
        content_type=file.content_type or "application/octet-stream",
        size=file.size or 0,
        url=f"/files/{name}",
    )
    opened.add(row)
    opened.commit()
    return row


@app.get("/files/{name}")
def serve(name: str, opened: SessionDep) -> FileResponse:
    """A file."""
    row = opened.get(StoredFile, name)
    if row is None:
        raise HTTPException(404)
    return FileResponse(FOLDER / row.id, media_type=row.content_type)
