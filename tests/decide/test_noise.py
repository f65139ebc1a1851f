"""False alarms and detections, counted over pairs that are drawn."""

from itertools import permutations

from msgspec.structs import replace

from ftgate.decide.noise import Trained, level
from ftgate.report.noise import noise_summary, noise_table
from ftgate.values.evaluation import Arm, ArmEvaluation
from ftgate.values.noise import Noise
from tests.decide.builders import ACTIVE, evaluation, item, run, training

PROMPTS = evaluation(["PP"] * 30, ["PP"] * 100)


def trained(seed: int, broken: int = 0, lost: int = 0) -> Trained:
    """An adapter that fails the first regression prompts and the first held-out examples."""
    letters = {
        p.id: "F" if int(p.id[1:]) < (broken if p.id[0] == "r" else lost) else "P" for p in PROMPTS.prompts
    }
    items = tuple(item(id, letter) for id, letter in letters.items())
    sha256 = f"{seed:064d}"
    arm = ArmEvaluation(arm=Arm.CANDIDATE, adapter_sha256=sha256, items=items, sentinel=ACTIVE)
    return Trained(training=replace(training(sha256), key=f"{seed:064d}"), arm=arm)


FRAME = replace(run(), evaluation=None, candidate=None, baseline=None)
BASE = PROMPTS.arms["base"]


def test_seeds_that_answer_alike_raise_no_alarm() -> None:
    seeds = [trained(n) for n in range(5)]
    found = level("same", FRAME, PROMPTS.prompts, BASE, permutations(seeds, 2))
    assert (found.pairs, found.candidates, found.failed, found.blocked, dict(found.by_reason)) == (
        20,
        5,
        0,
        0,
        {},
    )


def test_every_rule_is_counted_by_itself() -> None:
    good = [trained(n) for n in range(3)]
    worse = [trained(10, broken=5, lost=40), trained(11, broken=5), trained(12)]
    pairs = [(one, other) for one in good for other in worse]
    found = level("worse", FRAME, PROMPTS.prompts, BASE, pairs)
    assert (found.pairs, found.candidates, found.failed) == (9, 3, 6)
    assert dict(found.by_reason) == {"regression.broken": 6, "held-out.worse": 3}
    noise = Noise(
        base="main", seeds=(1, 2, 3), same=level("main", FRAME, PROMPTS.prompts, BASE, []), others=(found,)
    )
    told = noise_table(noise)
    assert "66.7 %" in told
    assert "no pairs" in told
    assert "worse: blocked in 66.7 % of 9 pairs (3 trainings)" in list(noise_summary(noise))
