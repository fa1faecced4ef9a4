"""What happens in which round: each is told by the seed and its number alone."""

import random
from dataclasses import dataclass

from tests.crash.aim import AIMS

SOONEST, LATEST = 0.02, 0.9  # seconds of load before the end


@dataclass(frozen=True, slots=True)
class Plan:
    """One round."""

    number: int
    seed: str  # of everything random in it
    end: str  # kill | aimed | term
    aim: str  # a step, for `aimed`
    seconds: float  # of load
    sweeping: bool  # whether the service sweeps by itself meanwhile
    dawdling: bool  # whether a client stalls in the middle of its body, for `term`
    swept: bool  # whether a sweep follows; else retries meet what the death has left


def plan(seed: int, number: int) -> Plan:
    """Of five rounds two end by a kill at random, two by an aimed one, one by SIGTERM."""
    own = f"{seed}/{number}"
    rng = random.Random(own)
    block, place = divmod(number, 5)
    end = ("kill", "aimed", "term", "aimed", "kill")[place]
    aim = AIMS[(2 * block + (place == 3)) % len(AIMS)]
    seconds = rng.uniform(SOONEST, LATEST / 3 if end == "aimed" else LATEST)
    sweeping, swept = end != "aimed" and rng.random() < 0.7, rng.random() < 0.6
    return Plan(number, own, end, aim, seconds, sweeping, block % 2 == 1, swept)
