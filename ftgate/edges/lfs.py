"""Objects of git-LFS, fetched by digest through the batch API of the repository's own server, and verified.

Where they are asked for is said by the clone's configuration, else by the base branch's .lfsconfig, else by the remote:
never by the pull request. https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
"""

import base64
import hashlib
import http.client
import json
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

from ftgate.edges.git_objects import ENVIRONMENT, OPTIONS
from ftgate.errors import OutsideError
from ftgate.values.lfs import Pointer

LARGEST = 500_000_000
"""Bytes of one object."""
ALL = 2_000_000_000
"""Bytes of all objects of one process."""
_TYPE = "application/vnd.git-lfs+json"
_ANSWER = 1_000_000
_TRIES = 4
_SECONDS = 60
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SCP = re.compile(r"(?:[^@/\s]{1,255}@)?([\w.-]{1,255}):(?!//)(.+)")
_Headers = Mapping[str, str]


class _Refused(Exception):
    """The server says no, or something that is not the object: asking again changes nothing."""


class _Careful(urllib.request.HTTPRedirectHandler):
    """A download may be sent on to a store, encrypted and without any header; a question may not."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if req.get_method() != "GET":
            return None
        return urllib.request.Request(_web(newurl))  # noqa: S310 - _web lets https pass only


class LargeFiles:
    """Port LargeFiles for the clone at `root`. `token` goes to the host of the remote alone."""

    def __init__(
        self, root: Path, path: str, token: str = "", pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._root, self._path, self._token, self._pause = root, path, token, pause
        self._known: dict[str, bytes] = {}
        self._opener = urllib.request.build_opener(_Careful)

    def fetch(self, pointer: Pointer, configuration: bytes | None) -> bytes | str:
        if pointer.oid in self._known:
            return self._known[pointer.oid]
        if pointer.size > LARGEST or pointer.size + sum(map(len, self._known.values())) > ALL:
            return f"its {pointer.size:,} bytes are more than are fetched"
        try:
            server, headers = self._server(configuration)
            content = self._download(pointer, self._action(pointer, server, headers))
        except _Refused as refused:
            return str(refused)
        self._known[pointer.oid] = content
        return content

    def _server(self, configuration: bytes | None) -> tuple[str, _Headers]:
        """Address of the LFS server, and what authorises this process there."""
        remote = self._config("--local", "--get", "remote.origin.url")
        told = self._config("--local", "--get", "lfs.url")
        if not told and configuration is not None:
            told = self._config("--file", "-", "--get", "lfs.url", content=configuration)
        if not (told or remote):
            raise _Refused("the repository has neither a remote named origin nor lfs.url")
        server = _web(told or _of_remote(remote))
        home = urlsplit(_of_remote(remote)) if remote else None
        parts = urlsplit(server)
        bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        if parts.username:
            return bare, _basic(parts.username, parts.password or "")
        if home is None or (home.hostname, home.port) != (parts.hostname, parts.port):
            return bare, {}
        if home.username:
            return bare, _basic(home.username, home.password or "")
        return bare, _basic("x-access-token", self._token) if self._token else {}

    def _action(self, pointer: Pointer, server: str, headers: _Headers) -> urllib.request.Request:
        """What the server says about where the object is."""
        asked = {
            "operation": "download",
            "transfers": ["basic"],
            "objects": [{"oid": pointer.oid, "size": pointer.size}],
            "hash_algo": "sha256",
        }
        question = urllib.request.Request(  # noqa: S310 - _web let https pass only
            f"{server}/objects/batch",
            data=json.dumps(asked).encode(),
            headers={"Accept": _TYPE, "Content-Type": _TYPE, **headers},
        )
        answer = self._patiently(question, lambda stream: _at_most(stream, _ANSWER))
        try:
            (told,) = json.loads(answer)["objects"]
            if error := told.get("error"):
                raise _Refused(f"the LFS server says {int(error['code'])} {str(error['message'])[:200]}")
            if told["oid"] != pointer.oid:
                raise _Refused("the LFS server answers about another object")
            action = told["actions"]["download"]
            extra = {str(name): str(text) for name, text in action.get("header", {}).items()}
            return urllib.request.Request(_web(action["href"]), headers=extra)  # noqa: S310
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _Refused("its answer is none of git-LFS") from error

    def _download(self, pointer: Pointer, request: urllib.request.Request) -> bytes:
        content = self._patiently(request, lambda stream: _at_most(stream, pointer.size))
        if len(content) != pointer.size or hashlib.sha256(content).hexdigest() != pointer.oid:
            raise _Refused("what the LFS server sent is not what the pointer names")
        return content

    def _patiently(
        self, request: urllib.request.Request, read: Callable[[http.client.HTTPResponse], bytes]
    ) -> bytes:
        """The answer; asked again when the server or the line is at fault. Raises OutsideError when that lasts."""
        said = ""
        for attempt in range(_TRIES):
            if attempt:
                self._pause(2.0**attempt)
            try:
                with self._opener.open(request, timeout=_SECONDS) as stream:
                    return read(stream)
            except urllib.error.HTTPError as error:
                error.close()
                if error.code < 500 and error.code not in (408, 429):
                    raise _Refused(f"the LFS server says {error.code} {error.reason}") from error
                said = f"{error.code} {error.reason}"
            except (OSError, http.client.HTTPException) as error:
                said = str(error) or type(error).__name__
        host = urlsplit(request.full_url).hostname
        raise OutsideError(
            f"the LFS server {host} could not be reached in {_TRIES} tries: {said}",
            advice="Try again later; it is the same run.",
        )

    def _config(self, *arguments: str, content: bytes = b"") -> str:
        done = subprocess.run(
            ["git", "-C", str(self._root), *OPTIONS, "config", *arguments],
            input=content,
            capture_output=True,
            env={**ENVIRONMENT, "PATH": self._path},
            check=False,
        )
        return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""


def _of_remote(remote: str) -> str:
    """The LFS server of a remote: its own address over https, as git-LFS derives it."""
    scp = _SCP.fullmatch(remote)
    if "://" not in remote and scp:
        remote = f"https://{scp[1]}/{scp[2].lstrip('/')}"
    parts = urlsplit(remote)
    if parts.scheme in ("ssh", "git+ssh", "git"):
        parts = urlsplit(f"https://{parts.hostname}{parts.path}")
    path = parts.path.rstrip("/")
    suffix = "/info/lfs" if path.endswith(".git") else ".git/info/lfs"
    return urlunsplit((parts.scheme, parts.netloc, path + suffix, "", ""))


def _web(address: str) -> str:
    """An address that may be asked: encrypted, or on this machine. Raises _Refused for any other."""
    parts = urlsplit(address)
    if parts.scheme == "https" and parts.hostname:
        return address
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return address
    raise _Refused(f"{parts.scheme or 'a path'} is no way to an LFS server; set lfs.url on the base branch")


def _basic(user: str, password: str) -> _Headers:
    secret = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {secret}"}


def _at_most(stream: http.client.HTTPResponse, size: int) -> bytes:
    """The body, and one byte more where it is longer than it may be. Raises IncompleteRead when the line broke."""
    content = stream.read(size + 1)
    announced = stream.headers.get("Content-Length", "")
    if announced.isdigit() and len(content) < min(int(announced), size + 1):
        raise http.client.IncompleteRead(content, int(announced) - len(content))
    return content
