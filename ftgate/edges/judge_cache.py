"""Replies of judges on disk, one file each, so that a run that was cut goes on where it stopped.

Only replies with scores are kept, never an error. The file's name is the digest of all that was asked, the number of
the vote among it: two votes are two files. An entry that cannot be read, or whose content is not what was sealed, is
no entry: it is asked again and replaced.
"""

import json
import os
from pathlib import Path

import msgspec

from ftgate.graders.judge import CRITERIA, SCORES
from ftgate.values.digest import canonical, digest
from ftgate.values.evaluation import Question
from ftgate.values.judging import JudgeRecord, Reply


def reply_key(record: JudgeRecord, question: Question, vote: int) -> str:
    """SHA-256 (64 hex digits) of endpoint, model, parameters, prompt, schema, item, completion and vote."""
    return digest(
        {
            "kind": "judge/1",
            "judge": record.identity,
            "item": question.item,
            "completion": question.completion,
            "vote": vote,
        }
    )


class ReplyCache:
    """Replies below a directory; None keeps them for this process only."""

    def __init__(self, root: Path | None) -> None:
        self._root = root
        self._kept: dict[str, Reply] = {}

    def find(self, key: str) -> Reply | None:
        """The reply of a key, marked as cached; None where there is none that can be trusted."""
        if key in self._kept:
            return self._kept[key]
        if self._root is None:
            return None
        try:
            sealed = json.loads(self._file(self._root, key).read_bytes())
            if sealed["sha256"] != digest([key, sealed["reply"]]):
                return None
            reply = msgspec.convert(sealed["reply"], Reply)
        except (OSError, ValueError, KeyError, TypeError, RecursionError, msgspec.ValidationError):
            return None
        whole = reply.state == "scored" and all(reply.scores.get(name) in SCORES for name in CRITERIA)
        return msgspec.structs.replace(reply, cached=True) if whole else None

    def keep(self, key: str, reply: Reply) -> None:
        """Keeps a reply with scores; any other is let go. Raises OSError (disk full, no permission)."""
        if reply.state != "scored":
            return
        self._kept[key] = reply
        if self._root is not None:
            plain = msgspec.to_builtins(msgspec.structs.replace(reply, cached=False))
            sealed = canonical({"sha256": digest([key, plain]), "reply": plain})
            # Not forced to the disk: what a power cut leaves of an entry is no entry, and is asked again.
            file = self._file(self._root, key)
            file.parent.mkdir(parents=True, exist_ok=True)
            draft = file.with_name(f".{key}.{os.getpid()}")
            draft.write_bytes(sealed)
            draft.replace(file)

    @staticmethod
    def _file(root: Path, key: str) -> Path:
        return root / key[:2] / f"{key}.json"
