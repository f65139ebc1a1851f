"""Slices: parts of the prompts that share a label, a tag or an output field."""

from typing import Literal

from msgspec import Struct

SliceKind = Literal["label", "tag", "field"]


class Slice(Struct, frozen=True, kw_only=True):
    """How one part of the prompts went, candidate against reference.

    `prompts` is the number that belongs to it, `graded` the number with a pass or fail on both sides. A slice of a
    field, and of a label that is a field's value, counts that field alone; all others count whole items. `p_worse` is
    the exact one-sided sign test within the slice, `p_adjusted` the same after Holm's correction over all slices.
    `collapsed` is proven, `suspect` may be chance or may be for want of grades. `drives` says that the broken prompts
    gather here. `words` stand in at least half of the broken prompts and are rarer elsewhere.
    """

    kind: SliceKind
    name: str
    prompts: int
    graded: int
    reference_passed: int
    candidate_passed: int
    broken: tuple[str, ...]
    fixed: int
    p_worse: float
    p_adjusted: float
    state: Literal["held", "suspect", "collapsed"] = "held"
    drives: bool = False
    words: tuple[str, ...] = ()
    same_as: tuple[str, ...] = ()
