"""The answers, by area; importing this registers them all."""

from tests.github.routes import actions, checks, git, issues, people, pulls, rules
from tests.github.routing import ROUTES

__all__ = ["ROUTES", "actions", "checks", "git", "issues", "people", "pulls", "rules"]
