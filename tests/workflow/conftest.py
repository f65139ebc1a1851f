"""The stage of every test here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.github.server import github
from tests.workflow.stage import Stage, node


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    node()
    with github() as hub:
        yield Stage(hub, tmp_path / "work")
