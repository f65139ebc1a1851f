"""How a repository, a machine and the settings are set up, as far as can be read; and what follows."""

from enum import StrEnum

from msgspec import Struct

ACTIONS_APP = 15368
"""Integration id of GitHub Actions: the app that the gate's job reports as."""
CHECK = "ftgate"
"""Name of the job with the verdict about the default branch; below a calling job it reports as "caller / ftgate"."""


class Sign(StrEnum):
    """ok, worth a look, or broken."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


class Diagnosis(Struct, frozen=True, kw_only=True):
    """One thing that was looked at. `advice` says what to click or to type."""

    sign: Sign
    what: str
    advice: str = ""


class RequiredCheck(Struct, frozen=True, kw_only=True):
    """A check without which a branch takes no merge. `app` is None where any app may report it."""

    name: str
    app: int | None
    source: str


class WorkflowFile(Struct, frozen=True, kw_only=True):
    """A workflow of the branch. `calls` are reusable workflows and actions by the job that uses them."""

    path: str
    triggers: tuple[str, ...]
    filtered: tuple[str, ...]
    """Triggers that paths or branches narrow."""
    calls: tuple[tuple[str, str], ...]


class RepositorySetup(Struct, frozen=True, kw_only=True):
    """What GitHub says about a branch.

    `fork_approval` is whose workflows from forks wait for an approval, empty where the repository is private or nobody
    may know. `unread` are the questions that the token may not ask, with the reason.
    """

    name: str
    branch: str
    is_default: bool
    is_private: bool
    checks: tuple[RequiredCheck, ...] = ()
    merge_queue: bool = False
    workflows: tuple[WorkflowFile, ...] = ()
    fork_approval: str = ""
    unread: tuple[str, ...] = ()


class MachineSetup(Struct, frozen=True, kw_only=True):
    """What this machine has. `gpus` are names with memory; `versions` those of installed packages; `cuda` is what torch
    says, None where it was not asked; `held` is what the store holds already, bytes by what they are."""

    gpus: tuple[str, ...]
    versions: dict[str, str]
    free_bytes: int
    store: str
    cuda: bool | None = None
    held: dict[str, int] = {}


class StoreFailure(Struct, frozen=True, kw_only=True):
    """What a store at a URL would not do: write, read or list."""

    what: str
    problem: str
    advice: str = ""


class StoreSetup(Struct, frozen=True, kw_only=True):
    """What a store at a URL lets this machine do. `left` is the URL of what was written to see and not deleted."""

    url: str
    failed: tuple[StoreFailure, ...] = ()
    left: str = ""


class DataSetup(Struct, frozen=True, kw_only=True):
    """What the settings of the work tree lead to; `problem` is why they cannot be read."""

    settings_path: str
    problem: str = ""
    advice: str = ""
    base_model: str = ""
    training: int = 0
    held_out: int = 0
    prompts: int = 0
    judge: str = ""
    has_judge_key: bool = False
