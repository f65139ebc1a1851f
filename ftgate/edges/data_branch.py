"""Baselines on a branch of the repository itself, read and written as git objects: no work tree is touched.

The branch shares no history with the code. It holds `baselines/KEY.json`, one file per training key, and
`ledger.jsonl`, one line per promotion, each sealed with the digest of its content.
"""

import json
import re
import secrets
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ftgate import wire
from ftgate.decide.baselines import merged, problem
from ftgate.edges.git_objects import ENVIRONMENT, OPTIONS
from ftgate.errors import InputError, OutsideError
from ftgate.ports import FoundBaseline
from ftgate.values.baseline import Baseline, History, Promotion

BRANCH = "ftgate-data"
FETCHED = "refs/ftgate/data"
LOCAL = f"refs/heads/{BRANCH}"
LEDGER = "ledger.jsonl"
TRIES = 16
LARGEST = 64_000_000
_SECONDS = 120
_README = (
    "# What ftgate keeps\n\nWritten by `ftgate promote` only: one baseline record per training key, and one line of\n"
    "`ledger.jsonl` per promotion. A record that was edited is not used any more.\n"
)
_WHO = {
    f"GIT_{role}_{name}": value
    for role in ("AUTHOR", "COMMITTER")
    for name, value in (("NAME", "ftgate"), ("EMAIL", "ftgate@users.noreply.github.com"))
}
_LOST = re.compile("stale info|cannot lock ref|failed to update ref|incorrect old value|fetch first")


class _Moved(Exception):
    """Somebody else wrote first: begin again from what they wrote."""


class DataBranch:
    """Port Baselines over the `git` program. Without `remote` the local branch is written, with it the remote's."""

    def __init__(
        self,
        root: Path,
        environment: Mapping[str, str],
        remote: str | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`environment` holds PATH, and what git needs to reach a remote (HOME, SSH_AUTH_SOCK)."""
        self._root, self._remote, self._pause = root, remote, pause
        self._offline = {**ENVIRONMENT, **_WHO, "PATH": environment["PATH"]}
        self._online = {**environment, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}

    def find(self, key: str) -> FoundBaseline:
        _checked(key)
        said = ""
        for ref in (FETCHED, LOCAL):
            try:
                content = self._file(ref, f"baselines/{key}.json")
                if content is not None:
                    return FoundBaseline(record=_record(content, key))
            except wire.UNREADABLE as error:
                said = said or f"the record {key[:12]} on {BRANCH} is damaged: {error}"
        return FoundBaseline(problem=said)

    def ledger(self) -> History:
        for ref in (FETCHED, LOCAL):
            try:
                content = self._file(ref, LEDGER)
            except ValueError as error:
                return History(problem=f"{LEDGER} on {BRANCH} cannot be read: {error}")
            if content is not None:
                return _history(content)
        return History()

    def keep(self, record: Baseline, promotion: Promotion) -> bool:
        """Compare and swap: what another pushed meanwhile is kept, and this is written on top of it."""
        _checked(record.key)
        for attempt in range(TRIES):
            tip = self._tip()
            try:
                commit = self._written(tip, record, promotion)
                if commit is None:
                    return False
                self._swap(tip, commit)
            except _Moved:
                self._pause(min(2.0, 0.05 * 2**attempt) * (1 + secrets.randbelow(100) / 100))
            else:
                return True
        raise OutsideError(
            f"{BRANCH} moved {TRIES} times while a baseline was written to it",
            advice="Run ftgate promote again: nothing was lost, and nothing was written by halves.",
        )

    def _tip(self) -> str:
        """Commit to write on, its objects here; empty when there is no branch yet."""
        if self._remote is None:
            found = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{LOCAL}^{{commit}}")
            return found.stdout.decode().strip() if found.returncode == 0 else ""
        listed = self._git("ls-remote", "--end-of-options", self._remote, LOCAL, online=True)
        if listed.returncode != 0:
            raise self._unreachable(listed)
        tip = listed.stdout.decode().partition("\t")[0].strip()
        if tip and self._git("cat-file", "-e", f"{tip}^{{commit}}").returncode != 0:
            options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
            fetched = self._git("fetch", *options, "--end-of-options", self._remote, LOCAL, online=True)
            if fetched.returncode != 0:
                raise self._unreachable(fetched)
        return tip

    def _written(self, tip: str, record: Baseline, promotion: Promotion) -> str | None:
        """A commit on top of `tip`, or None where everything stands there already."""
        path = f"baselines/{record.key}.json"
        lines = (self._file(tip, LEDGER) or b"") if tip else b""
        old = self._readable(tip, path, record.key)
        new = merged(old, record)
        if not any(_same(promotion, other) for other in _history(lines).promotions):
            line = json.dumps(wire.sealed(promotion), separators=(",", ":"), ensure_ascii=False)
            lines += (b"" if not lines or lines.endswith(b"\n") else b"\n") + line.encode() + b"\n"
        elif old is not None and old.arms == new.arms:
            return None
        files = {path: wire.to_json(wire.sealed(new)), LEDGER: lines}
        return self._commit(tip, files if tip else {**files, "README.md": _README.encode()}, promotion)

    def _commit(self, tip: str, files: Mapping[str, bytes], promotion: Promotion) -> str:
        top, kept = self._entries(tip), self._entries(f"{tip}:baselines" if tip else "")
        for path, content in files.items():
            entry = f"100644 blob {self._blob(content)}"
            folder, _, name = path.rpartition("/")
            (kept if folder else top)[name] = entry
        top["baselines"] = f"040000 tree {self._tree(kept)}"
        message = f"Baseline {promotion.key[:12]} for {promotion.commit[:12]}"
        parent = ("-p", tip) if tip else ()
        return self._said("commit-tree", self._tree(top), *parent, "-m", message)

    def _swap(self, tip: str, commit: str) -> None:
        """Moves the branch from `tip` to `commit`. Raises _Moved when it is not at `tip` any more."""
        if self._remote is None:
            done = self._git("update-ref", LOCAL, commit, tip or "0" * len(commit))
            if done.returncode != 0:
                raise _Moved
            return
        lease = f"--force-with-lease={LOCAL}:{tip}"
        target = f"{commit}:{LOCAL}"
        done = self._git("push", "--porcelain", "--no-verify", lease, self._remote, target, online=True)
        if done.returncode != 0:
            if _LOST.search(_text(done)):
                raise _Moved
            raise self._unreachable(done)
        self._git("update-ref", FETCHED, commit)

    def _readable(self, tip: str, path: str, key: str) -> Baseline | None:
        """The record that stands there; None also when it is damaged, as it is written anew now."""
        try:
            content = self._file(tip, path) if tip else None
            return _record(content, key) if content is not None else None
        except wire.UNREADABLE:
            return None

    def _file(self, ref: str, path: str) -> bytes | None:
        """Content of a file at a ref; None where there is no such ref or file. Raises ValueError when it is damaged."""
        tip = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", ref)
        if tip.returncode != 0:
            return None
        listed = self._git("ls-tree", "-z", "--long", tip.stdout.decode().strip(), "--", path)
        if listed.returncode != 0:
            raise ValueError(f"git cannot read it: {_text(listed)}")
        if not listed.stdout:
            return None
        mode, _kind, oid, size = listed.stdout.partition(b"\t")[0].split()
        if mode != b"100644" or not size.isdigit():
            raise ValueError("it is not a plain file")
        if int(size) > LARGEST:
            raise ValueError(f"it has {int(size):,} bytes, at most {LARGEST:,} are read")
        read = self._git("cat-file", "blob", oid.decode())
        if read.returncode != 0:
            raise ValueError(f"git cannot read it: {_text(read)}")
        return read.stdout

    def _entries(self, treeish: str) -> dict[str, str]:
        """Names of a tree with what mktree takes for them; empty where there is no such tree."""
        if not treeish:
            return {}
        listed = self._git("ls-tree", "-z", treeish)
        lines = [line.decode().partition("\t") for line in listed.stdout.split(b"\0") if line]
        return {name: entry for entry, _, name in lines}

    def _blob(self, content: bytes) -> str:
        return self._said("hash-object", "-w", "--stdin", "--no-filters", content=content)

    def _tree(self, entries: Mapping[str, str]) -> str:
        lines = b"".join(f"{entry}\t{name}".encode() + b"\0" for name, entry in entries.items())
        return self._said("mktree", "-z", content=lines)

    def _said(self, *arguments: str, content: bytes | None = None) -> str:
        done = self._git(*arguments, content=content)
        if done.returncode != 0:
            raise OutsideError(f"{self._root}: git {arguments[0]} failed: {_text(done)}")
        return done.stdout.decode().strip()

    def _git(
        self, *arguments: str, content: bytes | None = None, online: bool = False
    ) -> subprocess.CompletedProcess[bytes]:
        command = ["git", "-C", str(self._root), *OPTIONS, *arguments]
        given = self._online if online else self._offline
        try:
            return subprocess.run(
                command, input=content or b"", capture_output=True, env=given, timeout=_SECONDS, check=False
            )
        except FileNotFoundError as error:
            raise OutsideError("git is not installed or not on PATH", advice="Install git 2.30+.") from error
        except subprocess.TimeoutExpired as error:
            raise OutsideError(f"git {arguments[0]} did not end within {_SECONDS} s") from error

    def _unreachable(self, done: subprocess.CompletedProcess[bytes]) -> OutsideError:
        return OutsideError(
            f"{BRANCH} of {self._remote} cannot be written: {_text(done)}",
            advice="Give the job `contents: write`, let no rule forbid the branch, then run ftgate promote again.",
        )


def _record(content: bytes, key: str) -> Baseline:
    """Raises one of wire.UNREADABLE for anything but the sealed record of this key."""
    record = wire.baseline_of(wire.unsealed(content))
    if wrong := problem(record, key):
        raise ValueError(wrong)
    return record


def _history(content: bytes) -> History:
    promotions, bad = [], []
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            promotions.append(wire.promotion_of(wire.unsealed(line)))
        except wire.UNREADABLE:
            bad.append(str(number))
    said = f"{LEDGER} on {BRANCH}: not readable and left out: line {', '.join(bad)}" if bad else ""
    return History(promotions=tuple(promotions), problem=said)


def _same(one: Promotion, other: Promotion) -> bool:
    return (one.commit, one.key) == (other.commit, other.key)


def _checked(key: str) -> None:
    if not re.fullmatch(r"[0-9a-f]{64}", key):
        raise InputError(f"{key!r} is no training key")


def _text(done: subprocess.CompletedProcess[bytes]) -> str:
    said = (done.stderr + b"\n" + done.stdout).decode("utf-8", "replace").strip()
    return " ".join(said.split())[:600] or f"git exited with {done.returncode}"
