"""The composition root: the only file that sees both stages and edges."""

import dataclasses
import os
import secrets
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec.structs import replace

from ftgate.cli.progress import TerminalProgress
from ftgate.decide.hosted import name_of
from ftgate.decide.launch import NO_TELEMETRY
from ftgate.edges import lfs
from ftgate.edges.base_model import BaseModels
from ftgate.edges.clock import SystemClock
from ftgate.edges.completer import LocalCompleter
from ftgate.edges.data_branch import DataBranch
from ftgate.edges.export import LocalExporter
from ftgate.edges.git_objects import GitObjects
from ftgate.edges.github_api import Waiting
from ftgate.edges.github_rest import Rest
from ftgate.edges.hosted_model import AnyTokenizer
from ftgate.edges.jsonl import read_jsonl
from ftgate.edges.launch import JobWriter, LaunchingTrainer
from ftgate.edges.meter import local_meter
from ftgate.edges.qlora import QloraTrainer
from ftgate.edges.run_files import RunDirectory
from ftgate.edges.store import DirectoryStore
from ftgate.edges.tokens import LocalTokenizer
from ftgate.edges.watched import watched
from ftgate.edges.yaml_files import Documents
from ftgate.errors import SettingsError
from ftgate.ports import (
    Baselines,
    Completer,
    GitHubFacts,
    Judge,
    LargeFiles,
    NoBaselines,
    Ports,
    Progress,
    PullRequest,
    Repository,
    Store,
    Trainer,
)
from ftgate.values.digest import digest
from ftgate.values.settings import JudgeSettings, OtherJudge, Settings
from ftgate.values.setup import MachineSetup, RepositorySetup, StoreSetup

if TYPE_CHECKING:
    from collections.abc import Callable

    from ftgate.edges.judge_api import Address
    from ftgate.edges.judge_panel import JudgePanel
    from ftgate.edges.server_completer import ServerCompleter

_LOOPBACK = ("localhost", "127.0.0.1", "::1")

_GIT = ("PATH", "HOME", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "GIT_ASKPASS", "SSL_CERT_FILE")


def default_store() -> Path:
    """Where adapters and graded arms are kept between runs: the user's cache directory."""
    if cache := os.environ.get("XDG_CACHE_HOME"):
        return Path(cache) / "ftgate"
    try:
        return Path.home() / ".cache" / "ftgate"
    except RuntimeError:
        # A container user without a home: the temporary directory is all that is its own.
        return Path(tempfile.gettempdir()) / f"ftgate-{os.getuid()}"


def local_store(place: Path | str | None) -> Path:
    """The directory of a store on this machine: of a URL, what was fetched from it or waits to be sent."""
    if isinstance(place, str):
        return default_store() / "remote" / digest(place.rstrip("/"))[:16]
    return place or default_store()


def store_at(place: Path | str | None, progress: Progress) -> Store:
    """The store in a directory or at a URL. Raises SettingsError for a URL that nothing can be kept under."""
    kept = DirectoryStore(local_store(place), progress.say)
    if not isinstance(place, str):
        return kept
    from ftgate.edges.object_store import ObjectStore
    from ftgate.edges.remote import Remote

    return ObjectStore(kept, Remote(place), progress)


def build(
    repository: Repository, *, out: Path, store: Path | str | None = None, quiet: bool = False
) -> Ports:
    """Real edges for every port."""
    be_silent()
    progress = TerminalProgress(quiet=quiet)
    return Ports(
        repository=repository,
        reader=watched(read_jsonl, progress),
        documents=Documents(),
        models=base_models(),
        trainer=LaunchingTrainer(QloraTrainer(), os.environ),
        hosted=hosted,
        tokenizer=AnyTokenizer(LocalTokenizer()),
        completer=LocalCompleter(),
        judge=partial(judge, cache=local_store(store) / "judge"),
        exporter=LocalExporter(local_store(store) / "exports"),
        store=store_at(store, progress),
        runs=RunDirectory(out),
        progress=progress,
        clock=SystemClock(),
        salt=salt(),
        server=completer,
        meter=local_meter,
        hardware=gpu_name,
        baselines=data_branch(repository.root) if isinstance(repository, GitObjects) else NoBaselines(),
        large_files=large_files(repository.root) if isinstance(repository, GitObjects) else None,
    )


def be_silent() -> None:
    """No library reports about the people who train; whoever has chosen otherwise keeps the choice."""
    for name, value in NO_TELEMETRY.items():
        os.environ.setdefault(name, value)


def job_writer(
    root: Path, *, out: Path, store: Path | None = None, quiet: bool = False
) -> tuple[Ports, JobWriter]:
    """The edges of a run whose trainer writes down what other machines are to train."""
    ports = build(commits(root), out=out, store=store, quiet=quiet)
    writer = JobWriter(ports.trainer)
    return dataclasses.replace(ports, trainer=writer), writer


def base_models() -> BaseModels:
    """Finds base models; HF_TOKEN opens gated ones of the Hub."""
    return BaseModels(hub_token())


def hub_token() -> str | None:
    """HF_TOKEN, where it is set."""
    return os.environ.get("HF_TOKEN") or None


def salt() -> str:
    """Random per process: what is under test cannot guess it."""
    return secrets.token_hex(16)


def large_files(root: Path) -> LargeFiles:
    """Fetches what git-LFS pointers name; GITHUB_TOKEN goes to the host of the remote only."""
    path = os.environ.get("PATH", os.defpath)
    return lfs.LargeFiles(root, path, os.environ.get("GITHUB_TOKEN", ""))


def data_branch(root: Path, remote: str | None = None) -> Baselines:
    """The baselines of a repository; with `remote` they are written there. git reaches it as its user would."""
    told = {name: os.environ[name] for name in _GIT if name in os.environ}
    return DataBranch(root, {"PATH": os.defpath, **told}, remote)


def commits(root: Path) -> GitObjects:
    """The commits of a local repository."""
    return GitObjects(root, os.environ.get("PATH", os.defpath))


def judge(settings: Settings, cache: Path | None = None) -> Judge | None:
    """The judges that the settings name; None when they name none. Their replies are kept below `cache`."""
    return None if settings.judge is None else panel(settings.judge, cache)


def server(settings: Settings) -> "ServerCompleter | None":
    """The server that generates for all arms; None where this machine does. Raises SettingsError without its URL or
    key."""
    asked = settings.evaluation.server
    if settings.evaluation.engine == "local" or asked is None:
        return None
    from ftgate.edges.judge_api import Address
    from ftgate.edges.server_completer import ServerCompleter

    url = asked.base_url or os.environ.get("OPENAI_BASE_URL")
    if not url:
        raise SettingsError(
            "evaluation.engine is server, and neither evaluation.server.base_url nor OPENAI_BASE_URL says where it is",
            advice="Add evaluation.server.base_url, e.g. http://localhost:8000/v1.",
        )
    key = _server_key("evaluation.server", asked.api_key_env, url)
    return ServerCompleter(asked, Address(model=asked.base or settings.base_model, api_key=key, base_url=url))


def completer(settings: Settings) -> Completer | None:
    """What generates instead of this machine: the service of a hosted base model, or the server of the settings."""
    model = name_of(settings.base_model)
    if model is None:
        return server(settings)
    from ftgate.edges.hosted_ports import hosted_completer

    return hosted_completer(settings, *_hosted_place(settings, model))


def hosted(settings: Settings) -> Trainer | None:
    """The service that tunes a base_model `hosted:NAME`; None for every other. Its key is looked for when it is asked.

    Raises SettingsError for settings that a service would not heed.
    """
    model = name_of(settings.base_model)
    if model is None:
        return None
    from ftgate.edges.hosted_ports import hosted_trainer

    return hosted_trainer(settings, *_hosted_place(settings, model), SystemClock())


def _hosted_place(settings: Settings, model: str) -> "tuple[Address, Callable[[], Address]]":
    """Where the service is, and the same with its key, which whoever only promotes does not have."""
    from ftgate.edges.judge_api import DEFAULT_URL, Address

    asked = settings.training.hosted
    url = asked.base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_URL
    place = Address(model=model, api_key="", base_url=url)
    return place, lambda: replace(place, api_key=_server_key("training.hosted", asked.api_key_env, url))


def _server_key(setting: str, variable: str, url: str) -> str:
    """OPENAI_API_KEY belongs to the host of OPENAI_BASE_URL (OpenAI's own unless set) and goes nowhere else."""
    from ftgate.edges.judge_api import DEFAULT_URL

    own = urlsplit(os.environ.get("OPENAI_BASE_URL") or DEFAULT_URL)
    parts = urlsplit(url)
    if variable == "OPENAI_API_KEY" and parts.netloc != own.netloc:
        key, why = "", "belongs to OPENAI_BASE_URL, which is another host"
    else:
        key, why = os.environ.get(variable, ""), "is not set"
    if key or parts.hostname in _LOOPBACK:
        return key or "none"
    raise SettingsError(
        f"{setting} is {parts.hostname}, but {variable} {why}",
        advice=f"Name the variable that holds its key in {setting}.api_key_env (any value, if it wants none).",
    )


def panel(settings: JudgeSettings, cache: Path | None = None) -> "JudgePanel":
    """The judges with their endpoints and keys. Raises SettingsError when a key is missing."""
    from ftgate.edges.judge_api import DEFAULT_URL, Address
    from ftgate.edges.judge_panel import JudgePanel

    own = os.environ.get("OPENAI_BASE_URL") or DEFAULT_URL
    asked = [OtherJudge(model=settings.model), *settings.judges]
    addresses = [
        Address(model=each.model, api_key=_api_key(each, own), base_url=each.base_url or own)
        for each in asked
    ]
    return JudgePanel(settings, addresses, cache)


def _api_key(each: OtherJudge, own: str) -> str:
    key = os.environ.get(each.api_key_env)
    if key:
        return key
    if urlsplit(each.base_url or own).hostname in _LOOPBACK:
        return "none"  # what runs on this machine seldom asks for one, and the client must send something
    raise SettingsError(
        f"judge.model is {each.model}, but {each.api_key_env} is not set",
        advice="Set OPENAI_API_KEY (and OPENAI_BASE_URL for another server), or take the judge out of ftgate.yaml.",
    )


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


def gpu_name() -> str:
    """The GPU of this machine; "" without one."""
    from ftgate.edges.machine import gpu_name as named

    return named(os.environ.get("PATH", os.defpath))


def machine(store: Path | str | None, *, ask_torch: bool = False) -> MachineSetup:
    """What this machine has."""
    from ftgate.edges.machine import machine_setup

    return machine_setup(local_store(store), os.environ.get("PATH", os.defpath), ask_torch=ask_torch)


def store_setup(url: str) -> StoreSetup:
    """What a store at a URL lets this machine do."""
    from ftgate.edges import store_setup as looking

    return looking.store_setup(url)


def has_judge_key() -> bool:
    """Whether OPENAI_API_KEY is set; its value is nobody's business."""
    return bool(os.environ.get("OPENAI_API_KEY"))


def _token() -> str:
    token = os.environ.get("GITHUB_TOKEN", "").strip()
    if not token:
        raise SettingsError(
            "GITHUB_TOKEN is not set",
            advice="In a step: `env: GITHUB_TOKEN: ${{ github.token }}`; in a shell: `GITHUB_TOKEN=$(gh auth token)`.",
        )
    return token


def github_url() -> str:
    """Where GitHub's API is: every job is told, and elsewhere it is github.com's."""
    from ftgate.edges.github_api import DEFAULT_URL

    return os.environ.get("GITHUB_API_URL") or DEFAULT_URL
