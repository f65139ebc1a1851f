"""How fast, in how much memory: `python -m benchmarks.validate [--size MB] [--rounds N] [--only WORD] [--markdown]`.

Every contender runs in a process of its own, in rounds, in an order that is drawn anew each time. CPU time (user and
system, the whole process with its start, its modules compiled as pip leaves them) is divided by that of orjson.loads on
the same file in the same round; the table has the medians. Wall time says little on a machine that others use.
"""

import argparse
import compileall
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import ftgate
from benchmarks import data
from benchmarks.contenders import COMMANDS, NEEDS, OWN, SLOW, is_installed

YARDSTICK = "orjson.loads"
MB = 1_000_000


class Measure(NamedTuple):
    """One run of one contender."""

    cpu: float
    wall: float
    memory: float
    size: int


def measure(name: str, path: Path) -> Measure:
    """CPU and wall seconds, and the highest resident memory in MB of a process."""
    bin_ = Path(sys.executable).parent
    if name in COMMANDS:
        program, *rest = COMMANDS[name](str(path))
        command = [str(bin_ / program), *rest]
    else:
        command = [sys.executable, "-m", "benchmarks.contenders", OWN_NAME.get(name, name), str(path)]
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        told = said.read().decode(errors="replace")
    if process.returncode not in (0, 1, 2):  # most say with 1 or 2 that they found something
        print(f"{name}: exit code {process.returncode}: {told[-300:]}", file=sys.stderr)
    cpu = used.ru_utime + used.ru_stime
    if told.startswith("cpu "):
        cpu = float(told.split()[1])  # a contender that knows better what belongs to it
    return Measure(cpu, time.perf_counter() - begin, used.ru_maxrss / 1024, path.stat().st_size)


OWN_NAME = {
    "ftgate, everything, 0.5 % bad": "ftgate, everything on",
    "ftgate, all but near-duplicate, 0.5 % bad": "ftgate, all but near-duplicate",
}
"""What is measured on data with bad lines."""


def rounds(names: Sequence[str], paths: dict[str, Path], count: int) -> Iterator[dict[str, Measure]]:
    """Results by name, one dict a round."""
    chance = random.Random(1)
    for number in range(count):
        order = [name for name in names if name != YARDSTICK]
        chance.shuffle(order)
        results = {}
        for name in [YARDSTICK, *order]:
            print(f"round {number + 1} of {count}: {name}", file=sys.stderr)
            results[name] = measure(name, paths[name])
        yield results


def table(results: Sequence[dict[str, Measure]]) -> Iterator[list[str]]:
    """Rows of the table: the yardstick first, then by CPU ratio."""

    def ratio(name: str) -> float:
        return median(
            (one[name].size / one[name].cpu) / (one[YARDSTICK].size / one[YARDSTICK].cpu) for one in results
        )

    yield ["contender", "of orjson", "MB per CPU s", "CPU s", "wall s", "peak MB"]
    for name in sorted(results[0], key=lambda name: (name != YARDSTICK, -ratio(name))):
        runs = [one[name] for one in results]
        yield [
            name + (" (a tenth)" if name in SLOW else ""),
            f"{ratio(name):.2f}",
            f"{median(run.size / run.cpu for run in runs) / MB:.0f}",
            f"{median(run.cpu for run in runs):.2f}",
            f"{median(run.wall for run in runs):.2f}",
            f"{max(run.memory for run in runs):.0f}",
        ]


def show(rows: Sequence[list[str]]) -> str:
    """A table that is Markdown and can be read in a terminal."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [[row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in rows]
    lines.insert(1, ["-" * widths[0], *(f"{'-' * (width - 1)}:" for width in widths[1:])])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Makes the data, measures, prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=200, help="MB of data (default 200)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="only contenders whose name has this word")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "ftgate-bench")
    given = parser.parse_args()
    given.data.mkdir(parents=True, exist_ok=True)
    plain, bad, tenth = (given.data / f"{kind}{given.size}.jsonl" for kind in ("plain", "bad", "tenth"))
    names = [name for name in (*OWN, *OWN_NAME, *COMMANDS) if given.only in name or name == YARDSTICK]
    for name in [name for name in names if not is_installed(OWN_NAME.get(name, name))]:
        print(f"{name}: not installed, skipped", file=sys.stderr)
        names.remove(name)
    if YARDSTICK not in names:
        sys.exit(f"nothing to compare with: pip install {NEEDS[YARDSTICK]}")
    compileall.compile_dir(Path(ftgate.__file__).parent, quiet=1)
    paths = {name: bad if name in OWN_NAME else tenth if name in SLOW else plain for name in names}
    data.write(plain, given.size * MB)
    if bad in paths.values():
        data.write(bad, given.size * MB, bad=0.005)
    if tenth in paths.values():
        data.write(tenth, given.size * MB // 10)
    results = list(rounds(names, paths, given.rounds))
    print(show(list(table(results))))


if __name__ == "__main__":
    main()
