"""Which examples to look at first: each as different as can be from those before it."""

from collections.abc import Sequence


def farthest_first(
    candidates: Sequence[frozenset[str]], seen: Sequence[frozenset[str]], count: int
) -> list[int]:
    """Indexes of `count` candidates, greedily: the next is the one whose nearest neighbour, among what was seen and
    chosen, is farthest. Sets are compared by Jaccard; ties go to the earlier candidate."""
    nearest = [max((_alike(one, other) for other in seen), default=0.0) for one in candidates]
    chosen: list[int] = []
    left = set(range(len(candidates)))
    while left and len(chosen) < count:
        best = min(
            left, key=lambda index: (nearest[index], -len(candidates[index]) if not chosen else 0, index)
        )
        chosen.append(best)
        left.discard(best)
        for index in left:
            nearest[index] = max(nearest[index], _alike(candidates[index], candidates[best]))
    return chosen


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    common = len(one & other)
    return common / (len(one) + len(other) - common) if common else 0.0
