"""A git repository read as objects. Nothing is checked out and nothing of the repository's configuration runs."""

import subprocess
from pathlib import Path

from ftgate.errors import InputError, OutsideError
from ftgate.ports import TreeEntry

# A pull request's head must not steer git: no hooks, filters, replacement objects, lazy fetches or prompts.
ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
# Ownership is the runner's business (containers run as root); hooks and monitors are nobody's.
OPTIONS = ("-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")


class GitObjects:
    """Port Repository over the `git` program, at `root` (a work tree or a bare repository)."""

    def __init__(self, root: Path, path: str) -> None:
        """`path` is the PATH on which git is found. Raises InputError when `root` is no repository."""
        self._root = root
        self._environment = {**ENVIRONMENT, "PATH": path}
        if not root.is_dir():
            raise InputError(f"{root}: no such directory", advice="Name the repository with --repo DIR.")
        if self._git("rev-parse", "--git-dir").returncode != 0:
            raise InputError(f"{root}: not a git repository", advice="Name the repository with --repo DIR.")

    @property
    def root(self) -> Path:
        """Where the repository is."""
        return self._root

    def commit(self, revision: str) -> str:
        done = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if done.returncode != 0:
            raise InputError(
                f"{self._root}: no commit named {revision!r}",
                advice=f"See what there is with `git -C {self._root} branch -a`, or fetch it first.",
            )
        return done.stdout.decode().strip()

    def merge_base(self, base: str, head: str) -> str:
        done = self._git("merge-base", base, head)
        if done.returncode != 0:
            raise InputError(
                f"{self._root}: {base[:12]} and {head[:12]} share no history",
                advice="Fetch the full history (actions/checkout: fetch-depth: 0).",
            )
        return done.stdout.decode().strip()

    def tree(self, commit: str) -> list[TreeEntry]:
        done = self._git("ls-tree", "-r", "-z", "--long", "--full-tree", commit)
        if done.returncode != 0:
            raise OutsideError(f"{self._root}: cannot list commit {commit[:12]}: {_said(done)}")
        entries = [_entry(line) for line in done.stdout.split(b"\0") if line]
        if len({entry.path for entry in entries}) < len(entries):
            raise InputError(
                f"{self._root}: two paths of commit {commit[:12]} cannot be told apart",
                advice="Rename the one that is no UTF-8: one file would hide the other.",
            )
        return entries

    def read(self, entry: TreeEntry) -> bytes:
        done = self._git("cat-file", "blob", entry.oid)
        if done.returncode != 0:
            raise OutsideError(
                f"{self._root}: object {entry.oid[:12]} of {entry.path} cannot be read: {_said(done)}",
                advice=f"Check the repository with `git -C {self._root} fsck`.",
            )
        return done.stdout

    def _git(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = ["git", "-C", str(self._root), *OPTIONS, *arguments]
        try:
            return subprocess.run(command, capture_output=True, env=self._environment, check=False)
        except FileNotFoundError as error:
            raise OutsideError("git is not installed or not on PATH", advice="Install git 2.30+.") from error


def _entry(line: bytes) -> TreeEntry:
    head, _, path = line.partition(b"\t")
    mode, _kind, oid, size = head.split()
    if size != b"-" and not size.isdigit():
        raise OutsideError(
            f"object {oid.decode()[:12]} is damaged", advice="Check the repository with git fsck."
        )
    return TreeEntry(
        path=_readable(path),
        mode=mode.decode(),
        oid=oid.decode(),
        size=-1 if size == b"-" else int(size),
    )


def _readable(path: bytes) -> str:
    """The path as text. Bytes that are no UTF-8 are escaped; how the name ends stays, as globs go by it."""
    try:
        return path.decode()
    except UnicodeDecodeError:
        return path.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    return done.stderr.decode("utf-8", "replace").strip() or f"git exited with {done.returncode}"
