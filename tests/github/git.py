"""Bare git repositories behind the bench: what is pushed to them is what the API shows."""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.edges.repositories import WHO


class Entry(NamedTuple):
    """A line of a tree; `size` is None for trees and submodules."""

    mode: str
    kind: str
    sha: str
    size: int | None
    path: str


class Bare:
    """A bare repository on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._diffs: dict[str, list[tuple[str, str, int, int]]] = {}
        root.mkdir(parents=True)
        self.git("init", "-q", "--bare", "-b", "main")
        # Objects by SHA and partial clones, as GitHub serves them.
        self.git("config", "uploadpack.allowAnySHA1InWant", "true")
        self.git("config", "uploadpack.allowFilter", "true")

    def raw(self, *arguments: str, content: bytes = b"", index: str = "") -> bytes:
        """Output of git. Raises CalledProcessError when it fails."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            **WHO,
        }
        if index:
            environment["GIT_INDEX_FILE"] = index
        done = subprocess.run(
            ["git", "-C", str(self.root), *arguments],
            input=content,
            check=True,
            capture_output=True,
            env=environment,
        )
        return done.stdout

    def git(self, *arguments: str, content: bytes = b"") -> str:
        return self.raw(*arguments, content=content).decode().strip()

    def sha(self, revision: str) -> str | None:
        """Commit of a revision, None when there is none."""
        loose = self.root / revision
        if revision.startswith("refs/") and loose.is_file():
            return loose.read_text().strip()
        try:
            return self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        except subprocess.CalledProcessError:
            return None

    def refs(self, prefix: str) -> dict[str, str]:
        """Full names of refs below a prefix, with what they point to."""
        found = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split() for line in found if line.startswith(prefix))

    def blob(self, content: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", content=content)

    def tree(self, treeish: str, *, recursive: bool = False) -> list[Entry]:
        """Entries of a tree, or of a commit's."""
        flags = ["-r", "-t"] if recursive else []
        found = self.raw("ls-tree", "-z", "-l", *flags, treeish).decode("utf-8", "surrogateescape")
        lines = (line.split("\t", 1) for line in found.split("\0") if line)
        made = ((*head.split(), path) for head, path in lines)
        return [Entry(m, kind, sha, None if size == "-" else int(size), p) for m, kind, sha, size, p in made]

    def write_tree(self, base: str | None, changes: Mapping[str, tuple[str, str] | None]) -> str:
        """A tree made of another one and (mode, sha) by path; None takes a path away."""
        with tempfile.TemporaryDirectory() as scratch:
            index = f"{scratch}/index"
            if base:
                self.raw("read-tree", base, index=index)
            lines = "".join(
                f"0 {'0' * 40}\t{path}\n" if entry is None else f"{entry[0]} {entry[1]}\t{path}\n"
                for path, entry in changes.items()
            )
            self.raw("update-index", "--add", "--index-info", content=lines.encode(), index=index)
            return self.raw("write-tree", index=index).decode().strip()

    def write_commit(self, tree: str, parents: list[str], message: str) -> str:
        flags = [flag for parent in parents for flag in ("-p", parent)]
        return self.git("commit-tree", tree, *flags, content=message.encode())

    def commit(self, branch: str, files: Mapping[str, str | bytes | None], message: str = "change") -> str:
        """A commit on a branch, which it moves; makes the branch when there is none. Returns the SHA."""
        parent = self.sha(f"refs/heads/{branch}")
        changes = {
            path: None if text is None else ("100644", self.blob(_bytes(text)))
            for path, text in files.items()
        }
        commit = self.write_commit(self.write_tree(parent, changes), [parent] if parent else [], message)
        self.git("update-ref", f"refs/heads/{branch}", commit)
        return commit

    def branch(self, name: str, start: str = "main") -> None:
        """A new branch."""
        self.git("update-ref", f"refs/heads/{name}", self.sha(start) or start)

    def is_ancestor(self, old: str, new: str) -> bool:
        try:
            self.git("merge-base", "--is-ancestor", old, new)
        except subprocess.CalledProcessError:
            return False
        return True

    def diff(self, base: str, head: str) -> list[tuple[str, str, int, int]]:
        """(path, status letter, added lines, removed lines) from the merge base; both are SHAs."""
        span = f"{base}...{head}"
        if span not in self._diffs:
            self._diffs[span] = self._diff(span)
        return self._diffs[span]

    def _diff(self, span: str) -> list[tuple[str, str, int, int]]:
        letters = self.raw("diff", "--name-status", "--no-renames", "-z", span).decode().split("\0")[:-1]
        counts = self.raw("diff", "--numstat", "--no-renames", "-z", span).decode().split("\0")[:-1]
        found = []
        for letter, path, count in zip(letters[::2], letters[1::2], counts, strict=True):
            added, removed, _ = count.split("\t", 2)
            found.append((path, letter, *(0 if n == "-" else int(n) for n in (added, removed))))
        return found  # type: ignore[return-value]


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
