"""The composition root: the only file that sees both stages and edges."""

import os
import secrets
import tempfile
from pathlib import Path

from ftgate.cli.progress import TerminalProgress
from ftgate.edges.base_model import BaseModels
from ftgate.edges.clock import SystemClock
from ftgate.edges.completer import LocalCompleter
from ftgate.edges.git_objects import GitObjects
from ftgate.edges.github_api import Waiting
from ftgate.edges.github_rest import Rest
from ftgate.edges.jsonl import read_jsonl
from ftgate.edges.meter import local_meter
from ftgate.edges.qlora import QloraTrainer
from ftgate.edges.run_files import RunDirectory
from ftgate.edges.store import DirectoryStore
from ftgate.edges.watched import watched
from ftgate.edges.yaml_files import Documents
from ftgate.errors import SettingsError
from ftgate.ports import GitHubFacts, Judge, Ports, Progress, PullRequest, Repository
from ftgate.values.settings import Settings
from ftgate.values.setup import MachineSetup, RepositorySetup


def default_store() -> Path:
    """Where adapters and graded arms are kept between runs: the user's cache directory."""
    if cache := os.environ.get("XDG_CACHE_HOME"):
        return Path(cache) / "ftgate"
    try:
        return Path.home() / ".cache" / "ftgate"
    except RuntimeError:
        # A container user without a home: the temporary directory is all that is its own.
        return Path(tempfile.gettempdir()) / f"ftgate-{os.getuid()}"


def build(repository: Repository, *, out: Path, store: Path | None = None, quiet: bool = False) -> Ports:
    """Real edges for every port."""
    progress = TerminalProgress(quiet=quiet)
    return Ports(
        repository=repository,
        reader=watched(read_jsonl, progress),
        documents=Documents(),
        models=BaseModels(os.environ.get("HF_TOKEN") or None),
        trainer=QloraTrainer(),
        completer=LocalCompleter(),
        judge=judge,
        store=DirectoryStore(store or default_store()),
        runs=RunDirectory(out),
        progress=progress,
        clock=SystemClock(),
        salt=secrets.token_hex(16),
        meter=local_meter,
    )


def commits(root: Path) -> GitObjects:
    """The commits of a local repository."""
    return GitObjects(root, os.environ.get("PATH", os.defpath))


def judge(settings: Settings) -> Judge | None:
    """The judge that the settings name; None when they name none."""
    from ftgate.edges.judge_api import JudgeApi

    if settings.judge is None:
        return None
    key = os.environ.get("OPENAI_API_KEY")
    if not key:
        raise SettingsError(
            f"judge.model is {settings.judge.model}, but OPENAI_API_KEY is not set",
            advice="Set OPENAI_API_KEY (and OPENAI_BASE_URL for another server), or take the judge out of ftgate.yaml.",
        )
    return JudgeApi(settings.judge, key, os.environ.get("OPENAI_BASE_URL"))


def pull_request(
    repository: str, number: int, author: str | None = None, progress: Progress | None = None
) -> PullRequest:
    """A pull request on GitHub, with GITHUB_TOKEN; progress hears of waits."""
    from ftgate.edges.pull_request import GitHubPullRequest

    return GitHubPullRequest(
        repository, number, _token(), base_url=github_url(), author=author, waiting=_waiting(progress)
    )


def github(repository: str, number: int, progress: Progress | None = None) -> GitHubFacts:
    """Facts about a pull request on GitHub, with GITHUB_TOKEN; progress hears of waits."""
    from ftgate.edges.github_facts import GitHubRest

    return GitHubRest(_rest(progress), repository, number, pull_request(repository, number, None, progress))


def _rest(progress: Progress | None = None) -> Rest:
    return Rest(_token(), base_url=github_url(), waiting=_waiting(progress))


def _waiting(progress: Progress | None) -> Waiting:
    return Waiting(say=(progress or TerminalProgress(quiet=True)).say)


def repository_setup(repository: str, branch: str | None) -> RepositorySetup:
    """How a repository on GitHub is set up, with GITHUB_TOKEN."""
    from ftgate.edges import github_setup

    return github_setup.repository_setup(_rest(), repository, branch)


def machine(store: Path | None, *, ask_torch: bool = False) -> MachineSetup:
    """What this machine has."""
    from ftgate.edges.machine import machine_setup

    return machine_setup(store or default_store(), os.environ.get("PATH", os.defpath), ask_torch=ask_torch)


def has_judge_key() -> bool:
    """Whether OPENAI_API_KEY is set; its value is nobody's business."""
    return bool(os.environ.get("OPENAI_API_KEY"))


def _token() -> str:
    token = os.environ.get("GITHUB_TOKEN", "").strip()
    if not token:
        raise SettingsError(
            "GITHUB_TOKEN is not set", advice="Give the step `env: GITHUB_TOKEN: ${{ github.token }}`."
        )
    return token


def github_url() -> str:
    """Where GitHub's API is: every job is told, and elsewhere it is github.com's."""
    from ftgate.edges.github_api import DEFAULT_URL

    return os.environ.get("GITHUB_API_URL") or DEFAULT_URL
