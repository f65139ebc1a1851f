"""run.json and the texts rendered from it, in one directory."""

from pathlib import Path

from ftgate import wire
from ftgate.edges.store import write_atomically
from ftgate.errors import InputError
from ftgate.values.run import Run


class RunDirectory:
    """Port RunStore at `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> Run | None:
        file = self._folder / "run.json"
        if not file.exists():
            return None
        try:
            content = file.read_bytes()
        except OSError as error:
            raise InputError(
                f"{file}: cannot be read: {error.strerror}", advice="Name another --out DIR."
            ) from error
        return wire.run_of(content, str(file))

    def save(self, run: Run) -> None:
        write_atomically(self._folder / "run.json", wire.run_json(run))

    def write(self, name: str, text: str) -> Path:
        file = self._folder / name
        write_atomically(file, text.encode())
        return file

    def read(self, name: str) -> bytes | None:
        file = self._folder / name
        return file.read_bytes() if file.is_file() else None
