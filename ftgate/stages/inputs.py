"""What stages read of the two commits: everything that decides from the base branch, training data from the head."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from operator import itemgetter
from typing import NamedTuple

from msgspec import Struct

from ftgate.decide.relevance import select, training_paths
from ftgate.errors import InputError, SettingsError
from ftgate.ports import ExampleSchema, Ports, TreeEntry
from ftgate.values.batch import Batch
from ftgate.values.dataset import DataFile, Example
from ftgate.values.digest import digest_bytes
from ftgate.values.evaluation import Prompt
from ftgate.values.finding import Finding, Severity
from ftgate.values.lfs import parse_pointer
from ftgate.values.review import Reviews, parse_reviews
from ftgate.values.run import Plan
from ftgate.values.settings import DataSettings, Settings

SOURCE = "source"
_LFS_CONFIG = ".lfsconfig"
_MODES = {"120000": "a symbolic link", "160000": "a submodule"}


class Dataset(Struct, frozen=True, kw_only=True):
    """Files of one commit, read to the end: `findings` are what the reader says about bytes and format.

    `batches` hold the same examples, for the checks. `refused` holds a digest of the bytes of every line that the
    reader has something to say about.
    """

    files: tuple[DataFile, ...]
    examples: tuple[Example, ...]
    batches: tuple[Batch, ...] = ()
    findings: tuple[Finding, ...]
    refused: Mapping[tuple[str, int], str] = {}


class Reserved(Struct, frozen=True, kw_only=True):
    """What the base branch reserves: never trained on, never taken from the pull request."""

    output_schema: Mapping[str, object] | None
    prompts: tuple[Prompt, ...]
    held_out: tuple[Example, ...]


def settings_at(ports: Ports, commit: str, path: str) -> tuple[Settings, str] | None:
    """Settings and their digest as of a commit; None when the commit has no such file."""
    entry = _entries(ports, commit).get(path)
    if entry is None:
        return None
    if not entry.is_file:
        raise SettingsError(f"{path}: is {_kind(entry)} at {commit[:12]}; settings are a plain file")
    content = ports.repository.read(entry)
    return ports.documents.settings(path, content), digest_bytes(content)


def planned_settings(ports: Ports, plan: Plan) -> Settings:
    """The settings that the plan was made with. Raises InputError when the repository no longer has them."""
    found = settings_at(ports, plan.base, plan.settings_path)
    if found is None or found[1] != plan.settings_sha256:
        raise InputError(
            f"{plan.settings_path} at {plan.base[:12]} is not what this run was planned with",
            advice="Start again in a new directory: ftgate run ... --out DIR",
        )
    return found[0]


def training_data(ports: Ports, commit: str, settings: Settings, settings_path: str, trusted: str) -> Dataset:
    """Every training example of a commit, in the order in which it is trained: by path, then by line.

    `trusted` is the commit whose example schema is asked of the lines: that of the base branch, in a run.
    """
    schema = example_schema(ports, trusted, settings)
    entries = _entries(ports, commit)
    paths = training_paths(settings, settings_path, entries)
    return _read(_Source(ports, settings.data, trusted), [entries[path] for path in paths], schema)


def example_schema(ports: Ports, commit: str, settings: Settings) -> ExampleSchema | None:
    """The repository's own schema of examples, as of a commit; None when it has none."""
    path = settings.data.example_schema
    if path is None:
        return None
    return ports.documents.example_schema(path, _content(ports, commit, path, "data.example_schema"))


class _Source(NamedTuple):
    """Where data is read from; `trusted` is the commit that may say where large files are."""

    ports: Ports
    data: DataSettings
    trusted: str

    def content(self, entry: TreeEntry) -> tuple[bytes, Finding | None]:
        """Bytes of a file, those that a git-LFS pointer names where the settings want them. Without access to them
        the pointer stays what is read, and the finding says why."""
        content, fetcher = self.ports.repository.read(entry), self.ports.large_files
        pointer = parse_pointer(content) if self.data.lfs and fetcher else None
        if pointer is None or fetcher is None:
            return content, None
        configured = _entries(self.ports, self.trusted).get(_LFS_CONFIG)
        told = self.ports.repository.read(configured) if configured and configured.is_file else None
        fetched = fetcher.fetch(pointer, told)
        return (fetched, None) if isinstance(fetched, bytes) else (content, _not_fetched(entry, fetched))


def _read(source: _Source, entries: Iterable[TreeEntry], schema: ExampleSchema | None) -> Dataset:
    """What is no plain file is a finding, and is never followed."""
    data = source.data
    files: list[DataFile] = []
    batches: list[Batch] = []
    findings: list[Finding] = []
    refused: dict[tuple[str, int], str] = {}
    for entry in entries:
        if not entry.is_file:
            findings.append(_not_a_file(entry))
            continue
        content, unfetched = source.content(entry)
        findings.extend([unfetched] if unfetched else [])
        stream = source.ports.reader(
            entry.path, BytesIO(content), data.format, data.limits, data.blank_lines, schema
        )
        things = list(stream.batches())
        read = [thing for thing in things if isinstance(thing, Batch)]
        batches.extend(read)
        said = [thing for thing in things if isinstance(thing, Finding)]
        findings.extend(said)
        refused.update(_refused(content, things) if said else {})
        files.append(stream.file)
    return Dataset(
        files=tuple(files),
        examples=tuple(batch.example(row) for batch in batches for row in range(len(batch))),
        batches=tuple(batches),
        findings=tuple(findings),
        refused=refused,
    )


def _refused(content: bytes, things: Sequence[Batch | Finding]) -> Iterator[tuple[tuple[str, int], str]]:
    """Digest of the bytes behind every line that the reader speaks about, up to the next thing that it gives.

    So a record that is spread over ten lines is told from another that begins alike.
    """
    places: list[tuple[int, int, str]] = []
    for thing in things:
        if isinstance(thing, Finding):
            places.append((thing.line, thing.byte_offset, thing.path))
        else:
            places.extend((line, offset, "") for line, offset in zip(thing.lines, thing.offsets, strict=True))
    end, last = len(content), -1
    places.sort(key=itemgetter(0))
    for line, offset, path in reversed(places):
        if line == last:
            continue
        start, last = content.rfind(b"\n", 0, offset) + 1, line
        if path and line:
            yield (path, line), digest_bytes(content[start:end].rstrip(b"\r\n"))
        end = start


def reserved(ports: Ports, commit: str, settings: Settings) -> Reserved:
    """Output schema, regression prompts and held-out set, as of a commit (that of the base branch, in a run).

    Raises SettingsError when one of them cannot be read: a reserved set with a hole decides nothing.
    """
    schema = example_schema(ports, commit, settings)
    source = _Source(ports, settings.data, commit)
    held_out = _read(source, _selected(ports, commit, settings.data.held_out), schema)
    broken = [
        f"{f.path}:{f.line}: held-out set: {f.message}" for f in held_out.findings if f.severity == "error"
    ]
    for example in held_out.examples:
        if not example.prompt or not example.reference:
            broken.append(
                f"{example.place.path}:{example.place.line}: held-out set: needs a prompt and a reply"
            )
    if broken:
        raise SettingsError("\n".join(broken), advice="Repair the held-out set on the base branch first.")
    return Reserved(
        output_schema=_output_schema(ports, commit, settings),
        prompts=_prompts(ports, commit, settings),
        held_out=held_out.examples,
    )


def reviews(ports: Ports, commit: str, settings: Settings) -> Reviews:
    """Human reviews as of a commit, in a run the head: the data that they are about stands there too."""
    entry = _entries(ports, commit).get(settings.data.reviews)
    if entry is None or not entry.is_file:
        return Reviews(path=settings.data.reviews)
    return parse_reviews(entry.path, ports.repository.read(entry))


def _entries(ports: Ports, commit: str) -> dict[str, TreeEntry]:
    return {entry.path: entry for entry in ports.repository.tree(commit)}


def _selected(ports: Ports, commit: str, globs: Sequence[str]) -> list[TreeEntry]:
    entries = _entries(ports, commit)
    return [entries[path] for path in select(globs, entries)]


def _output_schema(ports: Ports, commit: str, settings: Settings) -> Mapping[str, object] | None:
    path = settings.data.output_schema
    if path is None:
        return None
    return ports.documents.json_schema(path, _content(ports, commit, path, "data.output_schema"))


def _content(ports: Ports, commit: str, path: str, key: str) -> bytes:
    entry = _entries(ports, commit).get(path)
    if entry is None or not entry.is_file:
        raise SettingsError(
            f"{key}: there is no file {path} at {commit[:12]}",
            advice="Add it on the base branch, or correct the path.",
        )
    return ports.repository.read(entry)


def _prompts(ports: Ports, commit: str, settings: Settings) -> tuple[Prompt, ...]:
    found: dict[str, Prompt] = {}
    for entry in _selected(ports, commit, settings.regression):
        if not entry.is_file:
            raise SettingsError(f"{entry.path}: is {_kind(entry)}; regression prompts are plain files")
        for prompt in ports.documents.prompts(entry.path, ports.repository.read(entry)):
            if prompt.id in found:
                other = found[prompt.id].source
                raise SettingsError(f"{prompt.source}: the id '{prompt.id}' is used in {other} too")
            found[prompt.id] = prompt
    return tuple(found.values())


def _kind(entry: TreeEntry) -> str:
    return _MODES.get(entry.mode, f"no plain file (mode {entry.mode})")


def _not_fetched(entry: TreeEntry, why: str) -> Finding:
    return Finding(
        check=SOURCE,
        severity=Severity.ERROR,
        path=entry.path,
        message=f"is a git-LFS pointer, and its content could not be fetched: {why}",
        advice="Push the object (git lfs push), and give the job that validates access to it.",
    )


def _not_a_file(entry: TreeEntry) -> Finding:
    return Finding(
        check=SOURCE,
        severity=Severity.ERROR,
        path=entry.path,
        message=f"is {_kind(entry)}; only plain files are read",
        advice="Commit the data itself as a file.",
    )
