"""Objects under one URL, by fsspec: S3, Google Cloud Storage, the Hub. Names in, bytes out, and every failure named.

Drivers bring their own credentials (their environment, files, the machine's role) and their own retries; nothing here
knows one service from another.
"""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ftgate.errors import OutsideError, SettingsError

_DRIVERS = {"s3": "s3", "gs": "gcs", "gcs": "gcs", "hf": "train"}
_FOREIGN = (
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("aiohttp", "ClientError"),
    ("google.auth.exceptions", "GoogleAuthError"),
    ("gcsfs.retry", "HttpError"),
    ("httpx", "HTTPError"),
    ("httpx2", "HTTPError"),
)
"""Errors of the drivers that are none of Python's own."""

_OWN_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""What a service does not answer with: this machine's disk is full, or not to be written to."""

_REACH = "Check network, address and credentials (docs/serving.md has them for each service), then run the same again."
_ALLOW = (
    "Give the credentials of this machine leave to read and write objects there, then run the same again."
)
_MAKE = "Create the bucket or repository, or correct --store."


def is_url(place: str) -> bool:
    """Whether a place is a URL, and not a directory."""
    return "://" in place


class Remote:
    """Objects below a URL such as s3://bucket/prefix. Raises SettingsError for a URL that nothing can be kept under."""

    def __init__(self, url: str) -> None:
        self.url = _checked(url)
        self._fs: Any = None
        self._root = ""

    def read(self, name: str) -> bytes | None:
        """Content of an object; None when there is none."""
        with self._told(name):
            try:
                content: bytes = self._files.cat_file(self._path(name))
            except FileNotFoundError:
                return None
            return content

    def write(self, name: str, content: bytes) -> None:
        """An object, whole or not at all."""
        with self._told(name):
            self._files.pipe_file(self._path(name), content)

    def create(self, name: str, content: bytes) -> bool:
        """An object that was not there; False when it was. Of two that race the first wins, where the service can tell
        (S3, Google Cloud Storage); elsewhere the last does.

        Services word it in many ways that something is there, or that they cannot tell: so one looks.
        """
        with self._told(name):
            try:
                self._files.pipe_file(self._path(name), content, mode="create")
            except FileExistsError:
                return False
            except (NotImplementedError, TypeError, ValueError, OSError) as error:
                if self._files.exists(self._path(name)):
                    return False
                if isinstance(error, OSError) and error.errno != errno.ENOSYS:
                    raise
                self._files.pipe_file(self._path(name), content)
        return True

    def names(self) -> set[str]:
        """Of what lies directly below the URL."""
        with self._told(""):
            try:
                found = self._files.ls(self._root, detail=False)
            except FileNotFoundError:
                return set()
            return {str(path).rstrip("/").rpartition("/")[2] for path in found}

    def delete(self, name: str) -> None:
        """An object, where there is one."""
        with self._told(name):
            try:
                self._files.rm_file(self._path(name))
            except FileNotFoundError:
                return

    def upload(self, file: Path, name: str, sent: Callable[[int], None]) -> None:
        """A file as an object; `sent` hears how many bytes went. Raises OutsideError when fewer arrived."""
        with self._told(name):
            self._files.put_file(str(file), self._path(name), callback=_callback(sent))
            arrived = self._files.info(self._path(name))["size"]
        if arrived != file.stat().st_size:
            raise OutsideError(
                f"{self.url}/{name}: {arrived:,} of {file.stat().st_size:,} bytes arrived", advice=_REACH
            )

    def download(self, name: str, file: Path, got: Callable[[int], None]) -> bool:
        """An object as a file; False when there is none."""
        with self._told(name, file):
            try:
                self._files.get_file(self._path(name), str(file), callback=_callback(got))
            except FileNotFoundError:
                return False
        return True

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @property
    def _files(self) -> Any:
        if self._fs is None:
            self._fs, root = _driver(self.url)
            self._root = root.rstrip("/")
        return self._fs

    @contextmanager
    def _told(self, name: str, file: Path | None = None) -> Iterator[None]:
        """Failures of the driver as what a person can act on."""
        where = f"{self.url}/{name}"
        try:
            self._files  # noqa: B018 - a driver that is missing is no failure of the service
            yield
        except _failures() as error:
            if isinstance(error, OSError) and error.errno in _OWN_DISK:
                raise OSError(error.errno, os.strerror(error.errno), str(file or where)) from error
            raise _explained(where, error) from error


def _explained(where: str, error: Exception) -> OutsideError:
    if isinstance(error, FileNotFoundError):
        return OutsideError(f"{where}: there is no such place: {_said(error)}", advice=_MAKE)
    if isinstance(error, PermissionError):
        return OutsideError(f"{where}: not permitted: {_said(error)}", advice=_ALLOW)
    return OutsideError(f"{where}: cannot be reached: {_said(error)}", advice=_REACH)


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in _DRIVERS:
        raise SettingsError(
            f"--store: {parts.scheme}:// is no place that ftgate keeps anything in",
            advice="Give a directory, or a URL of s3://, gs:// or hf://.",
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError(
            "--store: the URL holds more than bucket and prefix",
            advice="Credentials and endpoint come from the driver's own environment, e.g. AWS_ENDPOINT_URL_S3.",
        )
    if not parts.netloc:
        raise SettingsError("--store: the URL names no bucket", advice="For example s3://bucket/prefix.")
    return url.rstrip("/")


def _driver(url: str) -> tuple[Any, str]:
    """The driver's file system, and the URL as it names paths."""
    extra = _DRIVERS[urlsplit(url).scheme]
    try:
        from fsspec.core import url_to_fs

        # What another machine wrote a second ago must be seen: neither listings nor connections of before are reused.
        found: tuple[Any, str] = url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
    except ImportError as error:
        raise SettingsError(
            f"--store {urlsplit(url).scheme}:// needs a driver that is not installed: {error}",
            advice=f"Install it, in the clone of ftgate: pip install '.[{extra}]'",
        ) from error
    return found


def _failures() -> tuple[type[Exception], ...]:
    """Python's own, and those of the drivers that are loaded: no other can be raised."""
    found = [getattr(sys.modules.get(module), name, None) for module, name in _FOREIGN]
    return (OSError, ValueError, EOFError, *(error for error in found if error is not None))


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:300] or type(error).__name__


def _callback(heard: Callable[[int], None]) -> Any:
    from fsspec.callbacks import Callback

    class Heard(Callback):  # type: ignore[misc]
        def relative_update(self, inc: int = 1) -> None:
            heard(inc)

    return Heard()
