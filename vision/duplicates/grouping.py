"""Which files show the same, by the hashes of their frames. Pure.

Two files are compared only where frames of theirs agree in a quarter of the hash: 360,000 frames would be 65 billion
pairs. Frames that many files have (a logo, a title of the house) lead to no comparison. How long they are is the gate:
an intro that two films share makes neither a copy of the other.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

#: So few of 64 bits differ between codings of one picture; pictures of other things differ in some thirty.
NEAR_BITS = 8
#: Photographs of a burst differ more: people move. They are taken within so many seconds.
BURST_BITS, BURST_S = 16, 10.0
#: This part of the frames of the shorter file is in the other.
SHARE = 0.7
#: Lengths of re-encodings differ by so much at most.
LENGTH_PART, LENGTH_S = 0.02, 1.0
#: Seconds by which the place of a frame in a copy may differ from those of the others.
OFFSET_S = 2.5
#: A cut with fewer frames in common could be chance.
CUT_FRAMES = 3
#: A quarter of a hash that more files have than this says nothing.
COMMON_FILES = 40

SAME, RECODED, CUT, BURST = "same", "recoded", "cut", "burst"


@dataclass(frozen=True, kw_only=True)
class Looks:
    """A file as it looks: uint64 hashes and seconds of its frames, its length (None: a picture), when it was taken."""

    file_id: int
    hashes: NDArray[np.uint64]
    seconds: NDArray[np.float64]
    length_s: float | None = None
    taken_s: float = 0.0
    content: str = ""


@dataclass(frozen=True, kw_only=True)
class GroupedFiles:
    """Files that show the same, and in what way: the strongest that holds two of them together."""

    kind: str
    file_ids: tuple[int, ...]


def groups_of(files: Sequence[Looks]) -> list[GroupedFiles]:
    """The groups among these files, the largest first."""
    by_id = {file.file_id: file for file in files}
    joined: dict[tuple[int, int], str] = {}
    for one, other in _candidates(files):
        kind = relation(by_id[one], by_id[other])
        if kind:
            joined[one, other] = kind
    return sorted(_grouped(joined), key=lambda group: (-len(group.file_ids), group.file_ids))


def relation(one: Looks, other: Looks) -> str:
    """In what way two files show the same; empty where they do not."""
    if one.content and one.content == other.content:
        return SAME
    if (one.length_s is None) != (other.length_s is None) or not len(one.hashes) or not len(other.hashes):
        return ""
    if one.length_s is None or other.length_s is None:
        bits = int(np.bitwise_count(one.hashes[0] ^ other.hashes[0]))
        if bits <= NEAR_BITS:
            return RECODED
        return BURST if bits <= BURST_BITS and abs(one.taken_s - other.taken_s) <= BURST_S else ""
    shorter, longer = (one, other) if one.length_s <= other.length_s else (other, one)
    matched, offset = _matched(shorter, longer)
    if matched < SHARE * len(shorter.hashes):
        return ""
    longest = max(one.length_s, other.length_s)
    if longest - min(one.length_s, other.length_s) <= max(LENGTH_S, LENGTH_PART * longest):
        return RECODED if abs(offset) <= OFFSET_S else ""
    return CUT if matched >= CUT_FRAMES else ""


def _matched(shorter: Looks, longer: Looks) -> tuple[int, float]:
    """How many frames of the shorter file are in the longer one at one and the same distance in time, and which."""
    bits = np.bitwise_count(shorter.hashes[:, None] ^ longer.hashes[None, :])
    ours, theirs = np.nonzero(bits <= NEAR_BITS)
    if not len(ours):
        return 0, 0.0
    apart = longer.seconds[theirs] - shorter.seconds[ours]
    best = Counter(np.round(apart / OFFSET_S).astype(int).tolist()).most_common(1)[0][0] * OFFSET_S
    return len(set(ours[np.abs(apart - best) <= OFFSET_S].tolist())), float(best)


def _candidates(files: Sequence[Looks]) -> Iterable[tuple[int, int]]:
    """Pairs of files that are worth comparing, the lower id first."""
    pairs: set[tuple[int, int]] = set()
    by_content: dict[str, list[int]] = defaultdict(list)
    for file in files:
        if file.content:
            by_content[file.content].append(file.file_id)
    buckets: Iterable[Iterable[int]] = [*by_content.values(), *_buckets(files), *_bursts(files)]
    for bucket in buckets:
        pairs.update(combinations(sorted(set(bucket)), 2))
    return sorted(pairs)


def _buckets(files: Sequence[Looks]) -> list[set[int]]:
    """Files with a quarter of a hash in common: of hashes three bits apart at least one quarter is the same."""
    found: dict[tuple[int, int], set[int]] = defaultdict(set)
    for file in files:
        quarters = file.hashes[:, None] >> np.array([0, 16, 32, 48], dtype=np.uint64)[None, :] & np.uint64(0xFFFF)
        for place in range(4):
            for value in set(quarters[:, place].tolist()):
                found[place, value].add(file.file_id)
    return [bucket for bucket in found.values() if 1 < len(bucket) <= COMMON_FILES]


def _bursts(files: Sequence[Looks]) -> list[list[int]]:
    """Photographs that were taken right after each other."""
    pictures = sorted((file for file in files if file.length_s is None), key=lambda file: file.taken_s)
    return [
        [one.file_id, other.file_id]
        for place, one in enumerate(pictures)
        for other in pictures[place + 1 : place + 1 + COMMON_FILES]
        if other.taken_s - one.taken_s <= BURST_S
    ]


def _grouped(joined: Mapping[tuple[int, int], str]) -> list[GroupedFiles]:
    """Files that hang together. A cut joins nothing further: two cuts of a film may show other parts of it."""
    leader: dict[int, int] = {}

    def lead(file_id: int) -> int:
        while leader.setdefault(file_id, file_id) != file_id:
            file_id = leader[file_id]
        return file_id

    for (one, other), kind in joined.items():
        if kind != CUT:
            leader[lead(other)] = lead(one)
    members: dict[int, set[int]] = defaultdict(set)
    kinds: dict[int, set[str]] = defaultdict(set)
    for (one, other), kind in joined.items():
        if kind != CUT:
            members[lead(one)] |= {one, other}
            kinds[lead(one)].add(kind)
    made = [
        GroupedFiles(
            kind=next(kind for kind in (RECODED, BURST, SAME) if kind in kinds[place]), file_ids=tuple(sorted(ids))
        )
        for place, ids in members.items()
    ]
    cuts = {tuple(sorted({one, other})) for (one, other), kind in joined.items() if kind == CUT}
    return made + [GroupedFiles(kind=CUT, file_ids=pair) for pair in cuts]
