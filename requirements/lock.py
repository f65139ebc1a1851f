"""Writes the locks beside this file: `make lock`. Needs uv and the package index; nothing is downloaded but metadata.

light.txt is what `ftgate validate`, the verdict and the bot need, with the tools that build ftgate's own wheel.
train.txt is the training stack without torch. torch.txt is torch with the CUDA libraries that it names, apart: a GPU
runner's image often brings a torch that was built for its driver, and then these gigabytes are never fetched.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
BUILD = "hatchling>=1.27\n"
TORCH = re.compile(r"(torch|triton|nvidia-[\w-]+|cuda-[\w-]+)==")
HEADER = "# Made by `make lock` from pyproject.toml and constraints.txt. Installed with --require-hashes --no-deps.\n"


def main() -> int:
    """Compiles both sets for every platform and splits the larger one."""
    light, everything = _compile(()), _compile(("--extra", "train"))
    known = {_name(entry) for entry in light}
    rest = [entry for entry in everything if _name(entry) not in known]
    _write("light.txt", light)
    _write("train.txt", [entry for entry in rest if not TORCH.match(entry)])
    _write("torch.txt", [entry for entry in rest if TORCH.match(entry)])
    return 0


def _compile(extra: tuple[str, ...]) -> list[str]:
    with tempfile.TemporaryDirectory() as work:
        build, out = Path(work) / "build.in", Path(work) / "out.txt"
        build.write_text(BUILD)
        known = [*HERE.glob("*.txt")]
        out.write_text("".join(file.read_text() for file in known))  # what is locked stays as it is
        command = [
            "uv",
            "pip",
            "compile",
            "--quiet",
            "--universal",
            "--python-version",
            "3.11",
            "--generate-hashes",
        ]
        command += ["--no-header", "--no-annotate", "--constraints", "constraints.txt"]
        subprocess.run([*command, *extra, "pyproject.toml", str(build), "-o", str(out)], cwd=ROOT, check=True)
        return re.findall(r"^\S.*?(?=^\S|\Z)", out.read_text(), re.M | re.S)


def _name(entry: str) -> str:
    return entry.partition("==")[0]


def _write(name: str, entries: list[str]) -> None:
    (HERE / name).write_text(HEADER + "".join(entries))


if __name__ == "__main__":
    sys.exit(main())
