"""plan: which files changed, is the gate concerned, by whose rules."""

from ftgate import __version__
from ftgate.decide.relevance import relevance
from ftgate.errors import SettingsError
from ftgate.ports import Ports
from ftgate.stages.inputs import settings_at
from ftgate.values.run import Plan, Protected, Provenance, Request, Run


def plan(request: Request, ports: Ports) -> Run:
    """A run with nothing but its plan. Raises SettingsError when neither side has settings."""
    base, head = ports.repository.commit(request.base), ports.repository.commit(request.head)
    merge_base = ports.repository.merge_base(base, head)
    # The rules of the branch as it is now: where a pull request branched off is its author's choice.
    found = settings_at(ports, base, request.settings_path)
    made = _introduction(request, ports, head) if found is None else None
    if made is None:
        assert found is not None
        settings, sha256 = found
        seen = relevance(settings, request.settings_path, _tree(ports, merge_base), _tree(ports, head))
        made = Plan(
            base=base,
            head=head,
            merge_base=merge_base,
            settings_path=request.settings_path,
            settings_sha256=sha256,
            applicable=seen.applicable,
            why=seen.why,
            changed=seen.changed,
            protected=seen.protected,
            policy=settings.policy,
            behavior=settings.behavior,
        )
    return Run(plan=made, provenance=Provenance(ftgate=__version__, created=ports.clock.now()))


def _tree(ports: Ports, commit: str) -> dict[str, str]:
    return {entry.path: f"{entry.mode} {entry.oid}" for entry in ports.repository.tree(commit)}


def _introduction(request: Request, ports: Ports, head: str) -> Plan:
    """The pull request that brings the settings: they take effect once they stand on the base branch."""
    base = ports.repository.commit(request.base)
    merge_base = ports.repository.merge_base(base, head)
    found = settings_at(ports, head, request.settings_path)
    if found is None:
        raise SettingsError(
            f"no {request.settings_path} at {base[:12]}, which is {request.base}, and none at {request.head}",
            advice="Write one with `ftgate init`, commit it to the base branch, or name it with --settings.",
        )
    settings, _ = found
    return Plan(
        base=base,
        head=head,
        merge_base=merge_base,
        settings_path=request.settings_path,
        settings_sha256="",
        applicable=False,
        why=f"{request.settings_path} is new here: the gate takes effect once it stands on the base branch",
        changed=(),
        protected=(Protected(path=request.settings_path, role="settings", change="added"),),
        policy=settings.policy,
        behavior=settings.behavior,
    )
