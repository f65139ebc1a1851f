"""One honest fake per port: behaves as the port's words promise, keeps everything in memory, can be told to fail."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from ftgate.decide.baselines import merged
from ftgate.edges.jsonl import read_jsonl
from ftgate.edges.yaml_files import Documents
from ftgate.errors import InputError, OutsideError
from ftgate.graders import judge as judging
from ftgate.ports import (
    Cards,
    CompletionJob,
    ExportJob,
    FoundBaseline,
    Judge,
    Ports,
    Progress,
    Task,
    TrainingJob,
    TreeEntry,
    Written,
    no_cards,
)
from ftgate.values.baseline import Baseline, History, Promotion
from ftgate.values.dataset import Example, dataset_digest
from ftgate.values.evaluation import ArmEvaluation, Completion, Prompt, Question, Sentinel
from ftgate.values.judging import Capabilities, JudgeRecord, Reply, Usage
from ftgate.values.lfs import Pointer
from ftgate.values.run import Run
from ftgate.values.run_card import Agreement, Exported
from ftgate.values.settings import Settings
from ftgate.values.tokens import TokenSurvey
from ftgate.values.training import BaseModel, LossPoint, Training
from ftgate.values.trust import Comment, Permission, Person, PullFacts, WorkflowJob, WorkflowRun
from tests.judges import honest

BASE_MODEL = BaseModel(
    name="fake", revision="r1", sha256="b" * 64, parameters=2_000_000, location="", max_length=2048
)


class FakeRepository:
    """Commits are dicts of path -> content; the merge base is the first commit unless told otherwise."""

    def __init__(self, **commits: Mapping[str, str | bytes]) -> None:
        self.commits = {name: dict(files) for name, files in commits.items()}
        self.modes: dict[tuple[str, str], str] = {}
        self.reads: list[str] = []

    def commit(self, revision: str) -> str:
        if revision not in self.commits:
            raise InputError(f"no commit named {revision!r}")
        return revision

    def merge_base(self, base: str, head: str) -> str:
        return base

    def tree(self, commit: str) -> list[TreeEntry]:
        entries = []
        for path, content in sorted(self.commits[commit].items()):
            mode = self.modes.get((commit, path), "100644")
            raw = content.encode() if isinstance(content, str) else content
            oid = hashlib.sha1(raw + path.encode()).hexdigest()
            entries.append(TreeEntry(path=path, mode=mode, oid=oid, size=len(raw)))
        return entries

    def read(self, entry: TreeEntry) -> bytes:
        self.reads.append(entry.path)
        for files in self.commits.values():
            raw = files.get(entry.path)
            raw = raw.encode() if isinstance(raw, str) else raw
            if raw is not None and hashlib.sha1(raw + entry.path.encode()).hexdigest() == entry.oid:
                return raw
        raise OutsideError(f"object {entry.oid} is missing")


class FakeModels:
    """Knows one model."""

    def __init__(self) -> None:
        self.model = BASE_MODEL

    def resolve(self, name: str, revision: str | None) -> BaseModel:
        return replace(self.model, name=name, revision=revision or "r1")


class FakeTokenizer:
    """One token for every word; `seen` may turn what is said of examples."""

    def __init__(self) -> None:
        self.asked = 0
        self.seen: Callable[[TokenSurvey], TokenSurvey] = lambda survey: survey

    def survey(self, base_model: BaseModel, examples: Sequence[Example]) -> TokenSurvey:
        self.asked += 1
        survey = TokenSurvey(
            sha256=dataset_digest(examples),
            tokens=tuple(sum(len((m.content or "").split()) + 1 for m in e.messages) for e in examples),
            trained=tuple(len((e.reference or "").split()) + 1 for e in examples),
            template_sha256="t" * 64,
        )
        return self.seen(survey)


class FakeTrainer:
    """ "Learns" by writing the replies of the examples into the adapter, keyed by prompt."""

    def __init__(self) -> None:
        self.jobs: list[TrainingJob] = []
        self.failure: str | None = None

    def memory(self) -> int | None:
        return None

    def versions(self) -> Mapping[str, str]:
        return {"fake": "1"}

    def train(self, job: TrainingJob, progress: Progress) -> Training:
        self.jobs.append(job)
        folder = job.workspace / "adapter"
        folder.mkdir(parents=True, exist_ok=True)
        learned = "\n".join(f"{e.user_text}\t{e.reference}" for e in job.examples)
        (folder / "adapter_config.json").write_text("{}")
        (folder / "adapter_model.safetensors").write_text(learned)
        with progress.task(job.label, 1) as task:
            task.advance()
        return Training(
            key=job.key,
            commit=job.commit,
            adapter="",
            adapter_sha256="",
            examples=len(job.examples),
            data_sha256="",
            recipe=job.recipe,
            curve=(LossPoint(step=1, epoch=1.0, train=1.0, held_out=1.1),),
            steps=1,
            trained_tokens=10,
            seconds=5.0,
            failure=self.failure,
        )


class FakeCompleter:
    """Answers as the adapter learned; the base says nothing of use. Unknown prompts get the label of the nearest
    known prompt with the same first word. `said` may turn an answer: greedy jobs and drawn ones are told apart by
    their `sampling`, arms by their label."""

    def __init__(self) -> None:
        self.jobs: list[CompletionJob] = []
        self.active = True
        self.said: Callable[[CompletionJob, Prompt, str], str] = lambda job, prompt, text: text

    def versions(self) -> Mapping[str, str]:
        return {"fake": "1"}

    def complete(self, job: CompletionJob, progress: Progress) -> list[Completion]:
        self.jobs.append(job)
        learned = self._learned(job.adapter)
        texts = [
            self.said(job, p, learned.get(p.messages[-1].content.split()[0], "?"))
            for p in job.prompts
            if p.messages[-1].content
        ]
        return [Completion(text=text, finish="stop", tokens=3) for text in texts]

    def sentinel(self, job: CompletionJob) -> Sentinel:
        return Sentinel(lora_b_norm=1.5 if self.active else 0.0, logit_difference=0.5 if self.active else 0.0)

    def _learned(self, adapter: Path | None) -> dict[str, str]:
        if adapter is None:
            return {}
        lines = (adapter / "adapter_model.safetensors").read_text().splitlines()
        return {line.split("\t")[0].split()[0]: line.split("\t")[1] for line in lines}


class FakeExporter:
    """Writes nothing; `top1` is how far every form agrees with what was trained."""

    def __init__(self) -> None:
        self.jobs: list[ExportJob] = []
        self.discarded: list[Path] = []
        self.top1 = 1.0

    def export(self, job: ExportJob, progress: Progress) -> Written:
        self.jobs.append(job)
        figures = Agreement(
            texts=len(job.prompts),
            tokens=100,
            top1=self.top1,
            nll_trained=1.0,
            nll_exported=1.0,
            minimum=job.minimum,
        )
        exported = Exported(form=job.form, sha256="e" * 64, agreement=figures)
        return Written(folder=job.artefact, exported=exported, launch="vllm serve here")

    def discard(self, written: Written) -> None:
        self.discarded.append(written.folder)


class FakeRuns:
    """Keeps the last run and the texts."""

    def __init__(self) -> None:
        self.run: Run | None = None
        self.saved: list[tuple[str, ...]] = []
        self.texts: dict[str, str] = {}

    @property
    def where(self) -> str:
        return "out"

    def load(self) -> Run | None:
        return self.run

    def save(self, run: Run) -> None:
        self.run = run
        self.saved.append(run.stages)

    def write(self, name: str, text: str) -> Path:
        self.texts[name] = text
        return Path(name)

    def read(self, name: str) -> bytes | None:
        return self.texts[name].encode() if name in self.texts else None


class FakeStore:
    """Keeps trainings in memory and adapters below a directory."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.trainings: dict[str, Training] = {}
        self.cards: dict[str, dict[str, str]] = {}
        self.arms: dict[str, ArmEvaluation] = {}

    @contextmanager
    def claim(self, key: str) -> Iterator[Path]:
        yield self._root / key

    def find_training(self, key: str) -> Training | None:
        return self.trainings.get(key)

    def keep_training(self, training: Training, cards: Cards = no_cards) -> Training:
        content = (self._root / training.key / "adapter" / "adapter_model.safetensors").read_bytes()
        kept = replace(training, adapter=training.key, adapter_sha256=hashlib.sha256(content).hexdigest())
        self.trainings[training.key] = kept
        self.cards[training.key] = dict(cards(kept))
        return kept

    def adapter(self, training: Training) -> Path:
        return self._root / training.key / "adapter"

    def find_arm(self, key: str) -> ArmEvaluation | None:
        return self.arms.get(key)

    def keep_arm(self, key: str, arm: ArmEvaluation) -> None:
        self.arms[key] = arm


class FakeLargeFiles:
    """Has objects by digest; remembers which .lfsconfig it was asked with."""

    def __init__(self, *contents: bytes) -> None:
        self.contents = {hashlib.sha256(content).hexdigest(): content for content in contents}
        self.configurations: list[bytes | None] = []

    def fetch(self, pointer: Pointer, configuration: bytes | None) -> bytes | str:
        self.configurations.append(configuration)
        return self.contents.get(pointer.oid, "the LFS server says 404 Not Found")


class FakeBaselines:
    """Keeps records and the ledger in memory; `damaged` are keys whose record is not what was sealed."""

    def __init__(self) -> None:
        self.records: dict[str, Baseline] = {}
        self.promotions: list[Promotion] = []
        self.damaged: set[str] = set()

    def find(self, key: str) -> FoundBaseline:
        if key in self.damaged:
            return FoundBaseline(problem=f"the record {key[:12]} is damaged")
        return FoundBaseline(record=self.records.get(key))

    def ledger(self) -> History:
        return History(promotions=tuple(self.promotions))

    def keep(self, record: Baseline, promotion: Promotion) -> bool:
        new = merged(self.records.get(record.key), record)
        known = any((p.commit, p.key) == (promotion.commit, promotion.key) for p in self.promotions)
        if known and self.records.get(record.key) == new:
            return False
        self.records[record.key] = new
        self.promotions += [] if known else [promotion]
        return True


class _Task:
    def __init__(self) -> None:
        self.done = 0

    def advance(self, steps: int = 1) -> None:
        self.done += steps


class FakeProgress:
    """Remembers the tasks, how far they came, and what was said."""

    def __init__(self) -> None:
        self.tasks: list[tuple[str, int]] = []
        self.done: list[int] = []
        self.said: list[str] = []

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[Task]:
        self.tasks.append((label, total))
        task = _Task()
        yield task
        self.done.append(task.done)

    def say(self, text: str) -> None:
        self.said.append(text)


JUDGE = JudgeRecord(
    label="fake-judge",
    model="fake-judge",
    host="nowhere",
    served_model="fake-judge-1",
    fingerprint="",
    capabilities=Capabilities(structure="json_schema", temperature=True, seed=True),
    prompt_sha256=judging.PROMPT_SHA256,
    schema_sha256=judging.SCHEMA_SHA256,
)


class FakeJudge:
    """Answers every question with the same reply, and canaries as they deserve; None is a judge that refuses."""

    def __init__(self, reply: str | None, fingerprint: str = JUDGE.fingerprint) -> None:
        self._reply = reply
        self.asked: list[Question] = []
        self.records: tuple[JudgeRecord, ...] = (replace(JUDGE, fingerprint=fingerprint),)

    @property
    def usage(self) -> Usage:
        return Usage(calls=len(self.asked))

    def ask(self, questions: Sequence[Question], progress: Progress) -> list[tuple[Reply, ...]]:
        self.asked += questions
        return [
            tuple(self._vote(question, number) for number in range(question.first_vote, _end(question)))
            for question in questions
        ]

    def _vote(self, question: Question, number: int) -> Reply:
        text = honest(question.user) if question.canary else self._reply
        if text is None:
            return Reply(state="refusal", judge="fake-judge", vote=number, detail="the judge refused")
        state, scores, wrong = judging.parse(text)
        given = {name: scores[name] for name in judging.CRITERIA} if scores else {}
        rationale = scores.get("rationale", "")
        return Reply(
            state=state, judge="fake-judge", vote=number, scores=given, rationale=rationale, detail=wrong
        )


def _end(question: Question) -> int:
    return question.first_vote + (question.votes or 1)


class FakePullRequest:
    """Keeps comments as GitHub does: by id, by author, and shown in pages of 30."""

    PAGE = 30

    def __init__(self, author: str = "ftgate[bot]", head: str = "unknown") -> None:
        self._author = author
        self._head = head
        self.comments: dict[int, tuple[str, str]] = {}

    def add(self, author: str, body: str) -> int:
        number = len(self.comments) + 1
        self.comments[number] = (author, body)
        return number

    def page(self, number: int) -> list[tuple[int, str, str]]:
        start = (number - 1) * self.PAGE
        return [(id, *comment) for id, comment in list(self.comments.items())[start : start + self.PAGE]]

    def upsert_comment(self, marker: str, write: Callable[[Sequence[str], str], str | None]) -> str | None:
        number = 1
        own: list[int] = []
        while comments := self.page(number):
            own += [id for id, author, text in comments if author == self._author and text.startswith(marker)]
            number += 1
        body = write([self.comments[id][1] for id in own], self._head)
        if body is None:
            return None
        if not own:
            return f"comment/{self.add(self._author, body)}"
        self.comments[own[0]] = (self._author, body)
        for id in own[1:]:
            del self.comments[id]
        return f"comment/{own[0]}"


class FakeGitHubFacts:
    """One pull request, kept in memory; `broken` names the questions that an outage answers."""

    def __init__(self, pull: PullFacts, roles: Mapping[str, Permission]) -> None:
        self.facts = pull
        self.roles = dict(roles)
        self.people = {pull.author.login: pull.author}
        self.said: list[Comment] = []
        self.runs: list[WorkflowRun] = []
        self.run_jobs: dict[int, list[WorkflowJob]] = {}
        self.file: bytes | None = None
        self.reactions: list[tuple[int, str]] = []
        self.deeds: list[str] = []
        self.answers: list[str] = []
        self.broken: set[str] = set()

    def _ask(self, what: str) -> None:
        if what in self.broken:
            raise OutsideError(f"{what}: GitHub answered HTTP 502")

    def pull(self) -> PullFacts:
        self._ask("pull")
        return self.facts

    def permission(self, person: Person) -> Permission:
        self._ask("permission")
        return self.roles.get(person.login, Permission.NONE)

    def person(self, login: str) -> Person | None:
        self._ask("person")
        return self.people.get(login)

    def comments(self) -> list[Comment]:
        self._ask("comments")
        return list(self.said)

    def comment(self, number: int) -> Comment | None:
        return next((comment for comment in self.said if comment.id == number), None)

    def react(self, comment: int, sign: str) -> None:
        self._ask("react")
        self.reactions.append((comment, sign))

    def workflow_runs(self, head: str) -> list[WorkflowRun]:
        return [run for run in self.runs if run.head == head]

    def jobs(self, run: WorkflowRun) -> list[WorkflowJob]:
        return self.run_jobs.get(run.id, [])

    def run_again(self, run: WorkflowRun, *, failed_only: bool) -> None:
        self.deeds.append(f"{'failed jobs of' if failed_only else 'all of'} {run.id}")

    def cancel(self, run: WorkflowRun) -> None:
        self.deeds.append(f"cancel {run.id}")

    def run_file(self, run: WorkflowRun) -> bytes | None:
        self._ask("run_file")
        return self.file

    def answer(self, text: str) -> bool:
        self.answers.append(text)
        return True

    def post(self, body: str) -> str:
        self.answers.append(body)
        return "https://github.test/c/9"


class FakeClock:
    """A second passes with every look."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def now(self) -> str:
        return "2026-01-01T00:00:00+00:00"

    def seconds(self) -> float:
        self._seconds += 1.0
        return self._seconds


class FakeWorld:
    """All fakes of one gate, and the Ports made of them."""

    def __init__(self, repository: FakeRepository, root: Path) -> None:
        self.repository = repository
        self.trainer = FakeTrainer()
        self.tokenizer = FakeTokenizer()
        self.models = FakeModels()
        self.hardware = ""
        self.completer = FakeCompleter()
        self.exporter = FakeExporter()
        self.store = FakeStore(root)
        self.runs = FakeRuns()
        self.progress = FakeProgress()
        self.baselines = FakeBaselines()
        self.large_files = FakeLargeFiles()
        self.judge: Callable[[Settings], Judge | None] = lambda settings: None

    @property
    def ports(self) -> Ports:
        return Ports(
            repository=self.repository,
            reader=read_jsonl,
            documents=Documents(),
            models=self.models,
            trainer=self.trainer,
            tokenizer=self.tokenizer,
            hardware=lambda: self.hardware,
            completer=self.completer,
            exporter=self.exporter,
            judge=self.judge,
            store=self.store,
            runs=self.runs,
            progress=self.progress,
            clock=FakeClock(),
            salt="salt",
            baselines=self.baselines,
            large_files=self.large_files,
        )
