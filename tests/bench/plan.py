"""How much of everything is measured, and what one measurement gives."""

from dataclasses import dataclass, field

MIB = 1 << 20
MB = 1e6
GB = 1e9
PICTURE_BYTES = 20_000
CONNECTIONS = 32


@dataclass(frozen=True)
class Plan:
    """How much of everything; sizes in bytes, times in seconds."""

    rounds: int = 5
    long_rounds: int = 3  # of what takes ten seconds or more each time
    requests: int = 2000
    least: float = 1.0
    most: float = 5.0
    large: int = 512 * MIB
    streams: int = 16
    each: int = 64 * MIB
    sizes: tuple[int, ...] = (64 * MIB, 512 * MIB, 2048 * MIB)
    rows: tuple[int, ...] = (1000, 1_000_000)
    pages: int = 300
    rate: float = 100.0  # small uploads a second beside the slow ones
    alone: float = 6.0
    drips: int = 200
    drip_rate: int = 20_000  # bytes a second of each slow client
    drip_sizes: tuple[tuple[int, int], ...] = ((120_000, 200_000), (280_000, 400_000))
    proven: int = 200

    @property
    def most_bytes(self) -> int:
        """Bytes of the file workload that sends the most."""
        return max(self.large, self.streams * self.each)


QUICK = Plan(
    rounds=1,
    long_rounds=1,
    requests=200,
    least=0.3,
    most=3.0,
    large=96 * MIB,
    streams=8,
    each=8 * MIB,
    sizes=(16 * MIB, 128 * MIB),
    rows=(1000, 20_000),
    pages=30,
    alone=1.0,
    drips=40,
    drip_sizes=((60_000, 100_000), (280_000, 320_000)),
    drip_rate=160_000,
    proven=40,
)


@dataclass
class Figures:
    """What one measurement gave, and what went wrong in it."""

    values: dict[str, float] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def add(self, other: "Figures", prefix: str = "") -> None:
        """Take in those of another measurement, under other names."""
        self.values |= {prefix + name: value for name, value in other.values.items()}
        self.complaints += other.complaints
