"""Rulesets and branch protection: what blocks a merge."""

from typing import Any

from tests.github.contract import made
from tests.github.routing import Answer, Call, Refused, route


def _ruleset(call: Call, it: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    values = {name: it[name] for name in ("id", "name", "enforcement", "target")}
    shown = made("repository-ruleset", {**values, "source_type": "Repository", "source": call.repo.name})
    return {**shown, "conditions": it["conditions"], "rules": it["rules"]} if whole else shown


@route("GET", "/repos/{owner}/{repo}/rulesets", "metadata")
def rulesets(call: Call) -> Answer:
    return call.page([_ruleset(call, each, whole=False) for each in call.repo.rulesets.values()])


@route("GET", "/repos/{owner}/{repo}/rulesets/{ruleset_id}", "metadata")
def ruleset(call: Call) -> Answer:
    found = call.repo.rulesets.get(call.number("ruleset_id"))
    if found is None:
        raise Refused(404, "Not Found")
    return Answer(200, _ruleset(call, found, whole=True))


@route("GET", "/repos/{owner}/{repo}/rules/branches/{branch}", "metadata")
def rules(call: Call) -> Answer:
    found = call.repo.rules(call.parameters["branch"])
    about = {"ruleset_source_type": "Repository", "ruleset_source": call.repo.name}
    return call.page([{**rule, **about, "ruleset_id": ruleset["id"]} for ruleset, rule in found])


@route("GET", "/repos/{owner}/{repo}/branches/{branch}/protection", "administration")
def protection(call: Call) -> Answer:
    found = call.repo.protection.get(call.parameters["branch"])
    if found is None:
        raise Refused(404, "Branch not protected")
    return Answer(200, made("branch-protection", found))
