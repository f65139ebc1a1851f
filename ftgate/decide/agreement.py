"""How well a judge agrees with people, with the interval of every number. Closed forms, nothing random.

Kappa weighs a disagreement by its square (Cohen 1968), with the standard error of Fleiss, Cohen and Everitt (1969);
rates have Wilson's interval (1927). All intervals are two-sided 95 %.
"""

import math
from collections.abc import Sequence

from ftgate.values.judging import LEVELS, Agreement, Estimate

Z_95_TWO_SIDED = 1.959963984540054


def agreement(human: Sequence[int], judge: Sequence[int | None], pass_score: int) -> Agreement:
    """Compares scores 1..5 in pairs; None is a completion that the judge did not grade."""
    pairs = [(one, other) for one, other in zip(human, judge, strict=True) if other is not None]
    passes = [(one >= pass_score, other >= pass_score) for one, other in pairs]
    good = [other for one, other in passes if one]
    bad = [other for one, other in passes if not one]
    return Agreement(
        labels=len(human),
        unread=len(human) - len(pairs),
        pass_score=pass_score,
        kappa=weighted_kappa(pairs),
        accuracy=wilson(sum(one == other for one, other in passes), len(passes)),
        true_pass=wilson(sum(good), len(good)),
        false_pass=wilson(sum(bad), len(bad)),
        counts={
            f"{one},{other}": pairs.count((one, other))
            for one in range(1, LEVELS + 1)
            for other in range(1, LEVELS + 1)
            if (one, other) in pairs
        },
    )


def weighted_kappa(pairs: Sequence[tuple[int, int]], levels: int = LEVELS) -> Estimate:
    """Quadratic weighted kappa of scores 1..levels; undetermined where chance alone would agree on everything."""
    n, scores = len(pairs), range(1, levels + 1)
    if n == 0:
        return Estimate(value=None)
    share = {(i, j): 0.0 for i in scores for j in scores}
    for pair in pairs:
        share[pair] += 1 / n
    rows = {i: sum(share[i, j] for j in scores) for i in scores}
    columns = {j: sum(share[i, j] for i in scores) for j in scores}
    weight = {(i, j): 1 - ((i - j) / (levels - 1)) ** 2 for i in scores for j in scores}
    observed = sum(weight[cell] * share[cell] for cell in share)
    chance = sum(weight[i, j] * rows[i] * columns[j] for i, j in share)
    if 1 - chance < 1e-12:
        return Estimate(value=None)
    kappa = (observed - chance) / (1 - chance)
    by_row = {i: sum(weight[i, j] * columns[j] for j in scores) for i in scores}
    by_column = {j: sum(weight[i, j] * rows[i] for i in scores) for j in scores}
    moved = sum(
        share[i, j] * (weight[i, j] - (by_row[i] + by_column[j]) * (1 - kappa)) ** 2 for i, j in share
    )
    variance = max(0.0, moved - (kappa - chance * (1 - kappa)) ** 2) / (n * (1 - chance) ** 2)
    half = Z_95_TWO_SIDED * math.sqrt(variance)
    return Estimate(value=kappa, low=max(-1.0, kappa - half), high=min(1.0, kappa + half))


def wilson(hits: int, number: int) -> Estimate:
    """A share with Wilson's score interval, which has a width at 0 and at 1 too; undetermined of nothing."""
    if number == 0:
        return Estimate(value=None)
    z, share = Z_95_TWO_SIDED, hits / number
    middle = (share + z * z / (2 * number)) / (1 + z * z / number)
    half = z / (1 + z * z / number) * math.sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    # At the ends the bound is 0 or 1 but for the last bit.
    low, high = 0.0 if hits == 0 else middle - half, 1.0 if hits == number else middle + half
    return Estimate(value=share, low=low, high=high)


def corrected(observed: float, true_pass: float, false_pass: float) -> float | None:
    """The share that truly passes, from the share that a judge of known errors passes (Rogan and Gladen 1978), in 0..1.

    None for a judge that passes what is good no more often than what is bad: nothing can be told from it.
    """
    if not true_pass > false_pass:
        return None
    return min(1.0, max(0.0, (observed - false_pass) / (true_pass - false_pass)))
