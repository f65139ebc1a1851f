"""The gate's false alarms and detections on real bank messages, with real weights.

usage: python -m tests.calibrate BANKING.PY [WORKDIR] [SEEDS] [SEEDS OF EACH LEVEL]

Trains the banking baseline with 20 seeds, and with 5 seeds each of data in which 100, 50, 20 and 10 % of the lines of
two pairs of intents are swapped. About an hour of one core; an interrupted measurement goes on in the same WORKDIR.
"""

import json
import random
import subprocess
import sys
from pathlib import Path

LEVELS = (100, 50, 20, 10)
SWAP = {
    "card_arrival": "lost_or_stolen_card",
    "lost_or_stolen_card": "card_arrival",
    "exchange_rate": "country_support",
    "country_support": "exchange_rate",
}
HUMAN = {"lost_or_stolen_card": True}
DATA = Path("data/train/banking.jsonl")


def main(script: Path, work: Path, seeds: str, level_seeds: str) -> int:
    """Makes the repository, measures, and leaves noise.json and noise.md in WORKDIR/out."""
    if not script.is_file():
        print(f"skipped: {script} is not there (the scenario is not part of this repository)")
        return 0
    repository = work / "bank"
    if not repository.exists():
        subprocess.run([sys.executable, str(script), str(repository)], check=True)
        swap_levels(repository)
    against = [word for percent in LEVELS for word in ("--against", f"swap-{percent}")]
    command = [sys.executable, "-m", "ftgate.cli.main", "noise", "--repo", str(repository), "--base", "main"]
    options = ["--seeds", seeds, "--against-seeds", level_seeds, "--out", str(work / "out")]
    return subprocess.run([*command, *against, *options, "--store", str(work / "store")]).returncode


def swap_levels(repository: Path) -> None:
    """One branch a level; the lines of a lower level are among those of every higher one."""
    lines = (repository / DATA).read_text().splitlines()
    order = [number for number, line in enumerate(lines) if reply(line)["intent"] in SWAP]
    random.Random(20260102).shuffle(order)
    for percent in LEVELS:
        chosen = set(order[: len(order) * percent // 100])
        git(repository, "checkout", "-q", "-b", f"swap-{percent}", "main")
        swapped = [swap(line) if number in chosen else line for number, line in enumerate(lines)]
        (repository / DATA).write_text("\n".join(swapped) + "\n")
        git(repository, "commit", "-qam", f"{percent} % of the lines of two pairs of intents swapped")
        git(repository, "checkout", "-q", "main")


def reply(line: str) -> dict[str, str]:
    """The fields of an example's reply."""
    fields: dict[str, str] = json.loads(json.loads(line)["messages"][2]["content"])
    return fields


def swap(line: str) -> str:
    """The example with the label of the other intent of its pair: well-formed, wrong."""
    plain = json.loads(line)
    intent = SWAP[reply(line)["intent"]]
    plain["messages"][2]["content"] = json.dumps({"intent": intent, "needs_human": HUMAN.get(intent, False)})
    return json.dumps(plain, ensure_ascii=False)


def git(repository: Path, *words: str) -> None:
    """git, as nobody in particular."""
    who = ["-c", "user.name=calibrate", "-c", "user.email=calibrate@example.invalid"]
    subprocess.run(["git", "-C", str(repository), *who, *words], check=True)


if __name__ == "__main__":
    given = [
        *sys.argv[1:],
        *["../shared/scenarios/banking.py", "build/calibrate", "20", "5"][len(sys.argv) - 1 :],
    ]
    sys.exit(main(Path(given[0]), Path(given[1]), given[2], given[3]))
