"""`python -m tests.bench.drip JSON`: clients that send a file each, a little every tenth of a second; prints JSON."""

import asyncio
import json
import sys
from dataclasses import dataclass

from tests.bench.client import Answer
from tests.bench.payload import Upload, big

TICK = 0.1  # seconds
PATIENCE = 60.0  # seconds for the answer


@dataclass(frozen=True)
class Dripping:
    """Who sends what to whom; `sizes` are those of the smallest and the largest file, `rate` is bytes a second."""

    port: int
    path: str
    method: str
    headers: dict[str, str]
    wrapped: bool
    clients: int
    rate: int
    sizes: tuple[int, int]

    def size(self, number: int) -> int:
        """The files differ, so that they don't all grow too large for memory at the same moment."""
        least, most = self.sizes
        return least + (most - least) * number // self.clients

    async def all(self) -> dict[str, object]:
        """How many uploads were taken, and what became of the first of the others."""
        results = await asyncio.gather(*(self._one(number) for number in range(self.clients)), return_exceptions=True)
        failures = [
            str(result) if isinstance(result, Answer) else repr(result) for result in results if not _good(result)
        ]
        return {"finished": len(results) - len(failures), "complaints": failures[:3]}

    async def _one(self, number: int) -> Answer:
        upload = big(self.size(number))
        await asyncio.sleep(TICK * number / self.clients)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            await self._send(upload, number, writer)
            answer = Answer()
            async with asyncio.timeout(PATIENCE):
                while not answer.feed(data := await reader.read(65536)):
                    if not data:
                        raise ConnectionResetError("the server closed the connection")
            return answer
        finally:
            writer.close()

    async def _send(self, upload: Upload, number: int, writer: asyncio.StreamWriter) -> None:
        path = self.path.format(kind="file", number=f"slow-{number}")
        writer.write(upload.head(self.method, path, self.headers, wrapped=self.wrapped))
        rest = memoryview(b"".join(upload.pieces(wrapped=self.wrapped)))
        next_time = asyncio.get_running_loop().time()
        while rest:
            piece = int(self.rate * TICK)
            writer.write(rest[:piece])
            rest = rest[piece:]
            await writer.drain()
            next_time += TICK
            await asyncio.sleep(next_time - asyncio.get_running_loop().time())


def _good(result: Answer | BaseException) -> bool:
    return isinstance(result, Answer) and result.good


if __name__ == "__main__":
    print(json.dumps(asyncio.run(Dripping(**json.loads(sys.argv[1])).all())))
