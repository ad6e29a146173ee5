"""Seeded damage: the same bytes on every machine, so that what was found once is found again."""

import os
import random
from collections.abc import Iterator

#: `make fuzz-media` asks for many; a run of the tests for as many as take a few seconds.
SEED = int(os.environ.get("FUZZ_SEED", "1"))


#: Numbers of four bytes that readers stumble over.
EXTREMES = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\x01")


def rounds(name: str, usual: int) -> int:
    """How many mutations to try: `FUZZ_PICTURES=2000`, say."""
    return int(os.environ.get(f"FUZZ_{name.upper()}", str(usual)))


def mutations(sources: dict[str, bytes], count: int, *, seed: int = SEED) -> Iterator[tuple[str, bytes]]:
    """So many damaged copies of these files, in turn, each named by its number and its source."""
    names = sorted(sources)
    for number in range(count):
        chance = random.Random(f"{seed}-{number}")
        name = names[number % len(names)]
        content = bytearray(sources[name])
        for _ in range(chance.choice((1, 1, 2, 4, 16))):
            _damage(content, chance)
        yield f"{number}-{name}", bytes(content)


def _damage(content: bytearray, chance: random.Random) -> None:
    # Half of it where the tables are, which is at the beginning of most files.
    size = max(1, len(content))
    at = chance.randrange(min(size, 600)) if chance.random() < 0.5 else chance.randrange(size)
    length = chance.choice((1, 2, 4, 8, 64, 1000))
    kind = chance.randrange(7)
    if kind == 0:
        content[at : at + 1] = bytes([chance.randrange(256)])
    elif kind == 1:
        content[at : at + 4] = chance.choice(
            (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\x01")
        )
    elif kind == 2:
        del content[at : at + length]
    elif kind == 3:
        content[at:at] = bytes(chance.randrange(256) for _ in range(length))
    elif kind == 4:
        content[at : at + length] = bytes(len(content[at : at + length]))
    elif kind == 5:
        source = chance.randrange(size)
        content[at : at + length] = content[source : source + length]
    else:
        del content[at:]
