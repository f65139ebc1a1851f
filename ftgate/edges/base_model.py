"""Finds the untuned model: bundled, on disk, or on the Hub. Safetensors only; no code of a model ever runs."""

import json
import struct
from importlib import resources
from math import prod
from pathlib import Path
from typing import Any

from ftgate.edges.hosted_model import hosted_model
from ftgate.edges.model_shape import positions, read_config, shape_of
from ftgate.errors import OutsideError, SettingsError
from ftgate.values.digest import digest, digest_bytes
from ftgate.values.training import BaseModel

BUNDLED = "bundled:tiny"
_PATTERNS = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]
TOKENIZER = (
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "*.model",
    "added_tokens.json",
    "special_tokens_map.json",
    "chat_template*",
    "additional_chat_templates/*",
    "tekken.json",
)
"""What a loader of tokenizer or chat template reads."""
_READ = ("config.json", "generation_config.json", *TOKENIZER, "*.safetensors")
"""What a loader of weights, tokenizer or chat template reads: the digest of the model covers it."""


class BaseModels:
    """Port BaseModels. `token` opens gated models of the Hub."""

    def __init__(self, token: str | None = None) -> None:
        self._token = token

    def resolve(self, name: str, revision: str | None) -> BaseModel:
        if served := hosted_model(name, revision):
            return served
        folder, revision = self._locate(name, revision)
        weights = sorted(folder.glob("*.safetensors"))
        if not (folder / "config.json").is_file() or not weights:
            raise SettingsError(
                f"base_model: {name} has no config.json or no safetensors weights in {folder}",
                advice="Name a model in safetensors form; pickled weights are never loaded.",
            )
        sha256, config = _content_digest(folder), read_config(folder / "config.json")
        stored = {name: shape for file in weights for name, shape in _stored(file).items()}
        return BaseModel(
            name=name,
            revision=revision or sha256[:12],
            sha256=sha256,
            parameters=sum(prod(shape) for shape in stored.values()),
            location=str(folder),
            max_length=positions(config),
            shape=shape_of(config, tied=not any("lm_head" in each for each in stored)),
        )

    def _locate(self, name: str, revision: str | None) -> tuple[Path, str | None]:
        if name == BUNDLED:
            return bundled_folder(), revision
        if name.startswith("bundled:"):
            raise SettingsError(
                f"base_model: no bundled model named {name!r}", advice=f"There is one: {BUNDLED}."
            )
        if name.startswith((".", "/", "~")) or Path(name).is_dir():
            folder = Path(name).expanduser()
            if not folder.is_dir():
                raise SettingsError(f"base_model: no such directory: {name}")
            return folder, revision
        return self._download(name, revision)

    def _download(self, name: str, revision: str | None) -> tuple[Path, str]:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

        try:
            folder = snapshot_download(name, revision=revision, allow_patterns=_PATTERNS, token=self._token)
        except HFValidationError as error:
            raise SettingsError(f"base_model: {name!r} is neither a path nor a Hub id") from error
        except (RepositoryNotFoundError, RevisionNotFoundError) as error:
            raise SettingsError(
                f"base_model: the Hub has no model {name!r} at revision {revision or 'main'} (or it is private)",
                advice="Correct base_model in ftgate.yaml, or set HF_TOKEN for a private model.",
            ) from error
        except (OSError, ValueError) as error:
            raise OutsideError(
                f"base_model: {name} cannot be fetched: {error}",
                advice="Check the network and the Hub, or give base_model a local path.",
            ) from error
        return Path(folder), Path(folder).name


def _content_digest(folder: Path) -> str:
    files = sorted({file for pattern in _READ for file in folder.glob(pattern) if file.is_file()})
    return digest([[file.relative_to(folder).as_posix(), digest_bytes(file.read_bytes())] for file in files])


def _stored(file: Path) -> dict[str, list[int]]:
    """Names and shapes of the weights in a safetensors file, from its header alone."""
    with file.open("rb") as stream:
        try:
            (length,) = struct.unpack("<Q", stream.read(8))
            header: dict[str, Any] = json.loads(stream.read(length))
            return {name: _sizes(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}
        except (
            struct.error,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            MemoryError,
            OverflowError,
        ) as error:
            raise OutsideError(
                f"base_model: {file} is damaged: {error or 'no header'}", advice="Fetch it again."
            ) from error


def _sizes(shape: Any) -> list[int]:
    return [int(size) for size in shape]


def bundled_folder() -> Path:
    """Where the bundled model lies."""
    return Path(str(resources.files("ftgate"))) / "demo" / "tiny"
