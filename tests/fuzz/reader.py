"""Coverage-guided: `python -m tests.fuzz.reader --seconds N` mutates the malformed matrix until the time is up.

Needs atheris (`pip install atheris`, CPython 3.11 to 3.13). What breaks an assertion is written beside --artifacts.
"""

import argparse
import sys
import tempfile
from pathlib import Path

LONGEST = 4096


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--artifacts", type=Path, default=Path(tempfile.gettempdir()))
    given = parser.parse_args()
    try:
        import atheris
    except ImportError:
        print("skipped: atheris is not installed")
        return 0
    with atheris.instrument_imports(include=["ftgate.edges", "ftgate.checks", "ftgate.report"]):
        from tests.fuzz.everything import through_everything, through_fixing
    from tests.edges.matrix import CASES

    seeds = Path(tempfile.mkdtemp(prefix="ftgate-fuzz-"))
    for number, case in enumerate(CASES.values()):
        if len(case.data) <= LONGEST:
            (seeds / f"seed-{number}").write_bytes(case.data)

    def one(data: bytes) -> None:
        through_everything(data)
        through_fixing(data)

    options = [
        f"-max_total_time={given.seconds}",
        f"-max_len={LONGEST}",
        "-timeout=20",
        "-rss_limit_mb=2048",
        f"-artifact_prefix={given.artifacts}/ftgate-fuzz-",
    ]
    atheris.Setup([sys.argv[0], *options, str(seeds)], one)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
