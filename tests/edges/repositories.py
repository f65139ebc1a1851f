"""Real git repositories for tests."""

import os
import subprocess
from pathlib import Path

WHO = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in {"NAME": "t", "EMAIL": "t@example.invalid", "DATE": "2026-01-01T00:00:00+00:00"}.items()
}


class GitRepository:
    """A repository on disk that tests write into."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        """Runs git with a fixed identity and no configuration but the repository's."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            **WHO,
        }
        done = subprocess.run(
            ["git", "-C", str(self.root), *arguments], check=True, capture_output=True, env=environment
        )
        return done.stdout.decode().strip()

    def write(self, path: str, content: str | bytes) -> None:
        """A file in the work tree."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, message: str = "change") -> str:
        """Everything in the work tree; returns the SHA."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")
