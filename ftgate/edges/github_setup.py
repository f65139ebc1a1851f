"""Rulesets, branch protection and workflows of a repository, as far as the token may read them."""

import base64
import binascii
from collections.abc import Iterator
from io import StringIO
from typing import Any
from urllib.parse import quote

from ftgate.edges.github_rest import Refused, Rest
from ftgate.errors import OutsideError
from ftgate.values.setup import RepositorySetup, RequiredCheck, WorkflowFile

_WORKFLOWS = ".github/workflows"
_MOST = 60
_NARROWING = ("paths", "paths-ignore", "branches", "branches-ignore")


def repository_setup(rest: Rest, name: str, branch: str | None) -> RepositorySetup:
    """Asks GitHub. Raises OutsideError when the repository itself cannot be read."""
    home = f"/repos/{name}"
    about = rest.get(home)
    if not isinstance(about, dict):
        raise OutsideError(f"{home}: the answer is not GitHub's")
    chosen = branch or str(about.get("default_branch") or "main")
    unread: list[str] = []
    rules = _rules(rest, home, chosen, unread)
    checks = [*_from_rules(rules), *_from_protection(_protection(rest, home, chosen, unread))]
    return RepositorySetup(
        name=name,
        branch=chosen,
        is_default=chosen == about.get("default_branch"),
        is_private=about.get("private") is True,
        checks=tuple(checks),
        merge_queue=any(rule.get("type") == "merge_queue" for rule in rules),
        workflows=tuple(_workflows(rest, home, chosen, unread)),
        fork_approval="" if about.get("private") is True else _fork_approval(rest, home, unread),
        unread=tuple(unread),
    )


def _rules(rest: Rest, home: str, branch: str, unread: list[str]) -> list[dict[str, Any]]:
    try:
        found = rest.get(f"{home}/rules/branches/{quote(branch, safe='')}", {"per_page": 100})
    except Refused as refused:
        unread.append(f"rulesets of {branch} (HTTP {refused.status})")
        return []
    return [rule for rule in found if isinstance(rule, dict)] if isinstance(found, list) else []


def _from_rules(rules: list[dict[str, Any]]) -> Iterator[RequiredCheck]:
    for rule in rules:
        if rule.get("type") == "required_status_checks":
            parameters = rule.get("parameters") or {}
            for check in parameters.get("required_status_checks") or []:
                yield RequiredCheck(
                    name=str(check.get("context")),
                    app=check.get("integration_id"),
                    source=f"ruleset {rule.get('ruleset_id')}",
                )


def _fork_approval(rest: Rest, home: str, unread: list[str]) -> str:
    try:
        found = rest.get(f"{home}/actions/permissions/fork-pr-contributor-approval")
    except Refused as refused:
        unread.append(
            f"whose workflows from forks need an approval (HTTP {refused.status}, needs an administrator)"
        )
        return ""
    return str(found.get("approval_policy") or "") if isinstance(found, dict) else ""


def _protection(rest: Rest, home: str, branch: str, unread: list[str]) -> dict[str, Any]:
    try:
        found = rest.get(f"{home}/branches/{quote(branch, safe='')}/protection")
    except Refused as refused:
        if refused.status != 404:
            unread.append(f"branch protection of {branch} (HTTP {refused.status}, needs an administrator)")
        return {}
    return found if isinstance(found, dict) else {}


def _from_protection(protection: dict[str, Any]) -> Iterator[RequiredCheck]:
    required = protection.get("required_status_checks") or {}
    listed = required.get("checks") or [{"context": name} for name in required.get("contexts") or []]
    for check in listed:
        app = check.get("app_id")
        # -1 is how branch protection says "any source".
        yield RequiredCheck(
            name=str(check.get("context")), app=None if app == -1 else app, source="branch protection"
        )


def _workflows(rest: Rest, home: str, branch: str, unread: list[str]) -> Iterator[WorkflowFile]:
    try:
        listed = rest.get(f"{home}/contents/{_WORKFLOWS}", {"ref": branch})
        files = [each["path"] for each in listed if str(each.get("name")).endswith((".yml", ".yaml"))]
        for path in files[:_MOST]:
            content = rest.get(f"{home}/contents/{quote(path)}", {"ref": branch}).get("content") or ""
            if read := workflow_file(path, base64.b64decode(content).decode("utf-8", "replace")):
                yield read
    except Refused as refused:
        if refused.status != 404:
            unread.append(f"workflows on {branch} (HTTP {refused.status})")
    except (AttributeError, KeyError, TypeError, binascii.Error):
        unread.append(f"workflows on {branch} (the answer is not GitHub's)")


def workflow_file(path: str, text: str) -> WorkflowFile | None:
    """What a workflow runs on and calls; None when it is no workflow that can be read."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        plain = YAML(typ="safe", pure=True).load(StringIO(text))
    except (YAMLError, ValueError, RecursionError):
        return None
    if not isinstance(plain, dict):
        return None
    events = plain.get("on")
    triggers = (
        list(events) if isinstance(events, dict | list) else [events] if isinstance(events, str) else []
    )
    settings = events if isinstance(events, dict) else {}
    return WorkflowFile(
        path=path,
        triggers=tuple(str(trigger) for trigger in triggers),
        filtered=tuple(str(name) for name, each in settings.items() if _is_narrowed(each)),
        calls=tuple(_calls(plain.get("jobs"))),
    )


def _is_narrowed(trigger: object) -> bool:
    return isinstance(trigger, dict) and any(name in trigger for name in _NARROWING)


def _calls(jobs: object) -> Iterator[tuple[str, str]]:
    for key, job in jobs.items() if isinstance(jobs, dict) else ():
        if isinstance(job, dict) and isinstance(job.get("uses"), str):
            yield str(job.get("name") or key), job["uses"]
