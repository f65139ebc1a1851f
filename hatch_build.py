"""Compiles ftgate/edges/_plain.c where there is a compiler. Without one ftgate reads the same, only slower.

FTGATE_PURE=1 leaves it out.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("ftgate/edges/_plain.c")
BUILT = SOURCE.with_name("_plain.abi3.so")
FLAGS = (
    "-std=c11",
    "-O2",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-fstack-protector-strong",
    "-D_FORTIFY_SOURCE=2",
)


def compiled(root: Path, target: Path, *flags: str) -> str:
    """Writes the extension to `target`; says why not, or nothing."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()
    headers = Path(sysconfig.get_paths()["include"])
    if os.environ.get("FTGATE_PURE"):
        return "FTGATE_PURE is set"
    if os.name != "posix" or shutil.which(compiler[0]) is None:
        return "there is no C compiler"
    if not (headers / "Python.h").is_file():
        return f"{headers} has no Python.h"
    link = ["-undefined", "dynamic_lookup", "-bundle"] if sys.platform == "darwin" else ["-shared"]
    command = [
        *compiler,
        *FLAGS,
        *flags,
        "-fPIC",
        *link,
        f"-I{headers}",
        str(root / SOURCE),
        "-o",
        str(target),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"the compiler said: {done.stderr.strip()[-500:]}"


class Compile(BuildHookInterface[Any]):
    """What hatchling asks before it builds a wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if self.target_name != "wheel":
            return
        editable = version == "editable"
        target = root / BUILT if editable else Path(tempfile.mkdtemp()) / BUILT.name
        if why := compiled(root, target):
            print(f"ftgate: nothing is compiled, and lines are read more slowly: {why}", file=sys.stderr)
            return
        if not editable:
            build_data["force_include"][str(target)] = str(BUILT)
            build_data["pure_python"] = False
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["tag"] = f"cp311-abi3-{platform}"
