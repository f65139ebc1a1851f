"""git-LFS over real HTTP: the object that the pointer names or a reason, never anything else."""

import base64
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ftgate.edges.lfs import LARGEST, LargeFiles, _of_remote
from ftgate.errors import OutsideError
from ftgate.values.lfs import Pointer, parse_pointer
from tests.edges.repositories import GitRepository
from tests.edges.servers import Handler, serving, unused_url

CONTENT = b'{"messages": []}\n' * 40
OID = hashlib.sha256(CONTENT).hexdigest()
POINTER = Pointer(oid=OID, size=len(CONTENT))


class Lfs(Handler):
    """An LFS server whose answers a test can bend."""

    seen: list[tuple[str, str, str]]
    bodies: list[Any]
    broken: list[str]
    objects: dict[str, bytes]
    elsewhere: str
    told: Any
    url: str

    def do_POST(self) -> None:
        self.seen.append(("POST", self.path, self.headers.get("Authorization", "")))
        asked = self.body()
        self.bodies.append(asked)
        if self.broken and self.misbehave(self.broken.pop(0)):
            return
        if self.told is not None:
            self.reply(200, self.told)
            return
        oid = asked["objects"][0]["oid"]
        if oid not in self.objects:
            self.reply(200, {"objects": [{"oid": oid, "size": 1, "error": {"code": 404, "message": "gone"}}]})
            return
        href = self.elsewhere or f"http://{self.headers['Host']}/data/{oid}"
        action = {"href": href, "header": {"X-Key": "k", "Authorization": "Storage s"}}
        self.reply(
            200, {"objects": [{"oid": oid, "size": len(self.objects[oid]), "actions": {"download": action}}]}
        )

    def do_GET(self) -> None:
        self.seen.append(("GET", self.path, self.headers.get("Authorization", "")))
        if self.broken and self.misbehave(self.broken.pop(0)):
            return
        if self.path.startswith("/moved/"):
            self.reply(302, {}, {"Location": f"http://{self.headers['Host']}/data/{self.path[7:]}"})
        elif self.path.startswith("/away/"):
            self.reply(302, {}, {"Location": "http://store.example.invalid/x"})
        else:
            self.reply(200, self.objects[self.path.rpartition("/")[2]])

    def misbehave(self, how: str) -> bool:
        if how == "reset":
            self.reset()
        elif how == "short":
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(CONTENT[:10])
        elif how.isdigit():
            self.reply(int(how), {"message": "no"})
        return how != "ok"


@pytest.fixture
def server() -> Iterator[type[Lfs]]:
    class Fresh(Lfs):
        elsewhere = ""
        told = None

    Fresh.seen, Fresh.bodies, Fresh.broken, Fresh.objects = [], [], [], {OID: CONTENT}
    with serving(Fresh) as url:
        Fresh.url = url
        yield Fresh


def fetcher(tmp_path: Path, remote: str, token: str = "", waited: list[float] | None = None) -> LargeFiles:
    repository = GitRepository(tmp_path / "work")
    if remote:
        repository.git("config", "remote.origin.url", remote)
    pauses: list[float] = [] if waited is None else waited
    return LargeFiles(repository.root, os.environ["PATH"], token, pauses.append)


def test_an_object_is_fetched_by_its_digest_and_once(server: type[Lfs], tmp_path: Path) -> None:
    made = fetcher(tmp_path, f"{server.url}/acme/bank.git")
    assert made.fetch(POINTER, None) == CONTENT
    assert made.fetch(POINTER, None) == CONTENT
    assert server.seen == [
        ("POST", "/acme/bank.git/info/lfs/objects/batch", ""),
        ("GET", f"/data/{OID}", "Storage s"),
    ]
    assert server.bodies == [
        {
            "operation": "download",
            "transfers": ["basic"],
            "objects": [{"oid": OID, "size": len(CONTENT)}],
            "hash_algo": "sha256",
        }
    ]


def test_the_token_goes_to_the_remote_s_host_only(server: type[Lfs], tmp_path: Path) -> None:
    fetcher(tmp_path, f"{server.url}/acme/bank", "secret").fetch(POINTER, None)
    assert base64.b64decode(server.seen[0][2].removeprefix("Basic ")) == b"x-access-token:secret"
    assert server.seen[1][2] == "Storage s"
    server.seen.clear()
    other = fetcher(tmp_path / "other", "https://git.example.invalid/acme/bank", "secret")
    assert other.fetch(POINTER, f"[lfs]\n\turl = {server.url}/lfs\n".encode()) == CONTENT
    assert server.seen[0][:2] == ("POST", "/lfs/objects/batch") and server.seen[0][2] == ""


def test_the_clone_s_own_configuration_comes_before_the_file(server: type[Lfs], tmp_path: Path) -> None:
    made = fetcher(tmp_path, "https://git.example.invalid/a/b")
    GitRepository(tmp_path / "work").git("config", "lfs.url", f"{server.url}/own")
    assert made.fetch(POINTER, b"[lfs]\n\turl = https://other.example.invalid/x\n") == CONTENT
    assert server.seen[0][1] == "/own/objects/batch"


@pytest.mark.parametrize(("code", "words"), [("401", "401"), ("403", "403"), ("404", "404"), ("302", "302")])
def test_no_access_is_a_reason_and_is_asked_once(
    server: type[Lfs], tmp_path: Path, code: str, words: str
) -> None:
    server.broken[:] = [code]
    said = fetcher(tmp_path, f"{server.url}/a/b").fetch(POINTER, None)
    assert isinstance(said, str) and words in said and len(server.seen) == 1


def test_an_object_that_nobody_pushed_is_a_reason(server: type[Lfs], tmp_path: Path) -> None:
    said = fetcher(tmp_path, f"{server.url}/a/b").fetch(Pointer(oid="0" * 64, size=3), None)
    assert said == "the LFS server says 404 gone"


@pytest.mark.parametrize("broken", [["reset"], ["500", "503"], ["429"], ["ok", "reset"], ["ok", "short"]])
def test_a_fault_of_the_line_is_tried_again(server: type[Lfs], tmp_path: Path, broken: list[str]) -> None:
    server.broken[:] = broken
    waited: list[float] = []
    assert fetcher(tmp_path, f"{server.url}/a/b", "", waited).fetch(POINTER, None) == CONTENT
    assert 0 < sum(waited) < 10


def test_a_server_that_is_not_there_is_the_outside_s_failure(server: type[Lfs], tmp_path: Path) -> None:
    server.broken[:] = ["502"] * 9
    waited: list[float] = []
    with pytest.raises(OutsideError, match="4 tries: 502"):
        fetcher(tmp_path, f"{server.url}/a/b", "", waited).fetch(POINTER, None)
    with pytest.raises(OutsideError, match="could not be reached"):
        fetcher(tmp_path / "x", f"{unused_url()}/a/b", "", waited).fetch(POINTER, None)
    assert sum(waited) < 60


@pytest.mark.parametrize("wrong", [b"", CONTENT[:-1], CONTENT + b"x", b"x" * len(CONTENT)])
def test_other_content_than_the_pointer_names_is_never_taken(
    server: type[Lfs], tmp_path: Path, wrong: bytes
) -> None:
    server.objects[OID] = wrong
    said = fetcher(tmp_path, f"{server.url}/a/b").fetch(POINTER, None)
    assert said == "what the LFS server sent is not what the pointer names"


@pytest.mark.parametrize(
    "told",
    [
        [],
        {},
        {"objects": []},
        {"objects": [1]},
        {"objects": [{"oid": OID}]},
        {"objects": [{"oid": "1" * 64, "actions": {"download": {"href": "https://x.invalid/"}}}]},
        {"objects": [{"oid": OID, "actions": {"download": {"href": "file:///etc/passwd"}}}]},
        {"objects": [{"oid": OID, "actions": {"download": {"href": "http://169.254.169.254/meta"}}}]},
        {"objects": [{"oid": OID, "actions": {"download": {"href": 5}}}]},
        {"objects": [{"oid": OID, "error": {"code": "x"}}]},
        b"<html>log in</html>",
    ],
)
def test_an_answer_that_is_none_is_a_reason_and_leads_nowhere(
    server: type[Lfs], tmp_path: Path, told: Any
) -> None:
    server.told = told
    assert isinstance(fetcher(tmp_path, f"{server.url}/a/b").fetch(POINTER, None), str)
    assert len(server.seen) == 1


def test_a_download_is_sent_on_without_its_headers_and_not_in_the_clear(
    server: type[Lfs], tmp_path: Path
) -> None:
    server.elsewhere = f"{server.url}/moved/{OID}"
    assert fetcher(tmp_path, f"{server.url}/a/b").fetch(POINTER, None) == CONTENT
    assert server.seen[-1] == ("GET", f"/data/{OID}", "")
    server.elsewhere = f"{server.url}/away/{OID}"
    said = fetcher(tmp_path / "x", f"{server.url}/a/b").fetch(POINTER, None)
    assert isinstance(said, str) and "http is no way" in said


@pytest.mark.parametrize(
    "remote", ["", "/srv/git/bank.git", "http://git.example.invalid/a/b", "file:///srv/git/bank.git"]
)
def test_a_remote_that_is_no_web_address_is_a_reason(tmp_path: Path, remote: str) -> None:
    assert isinstance(fetcher(tmp_path, remote).fetch(POINTER, None), str)


def test_what_is_too_large_is_not_asked_for(server: type[Lfs], tmp_path: Path) -> None:
    said = fetcher(tmp_path, f"{server.url}/a/b").fetch(Pointer(oid=OID, size=LARGEST + 1), None)
    assert isinstance(said, str) and "more than are fetched" in said and server.seen == []


@pytest.mark.parametrize(
    ("remote", "server"),
    [
        ("https://github.com/acme/bank", "https://github.com/acme/bank.git/info/lfs"),
        ("https://github.com/acme/bank.git", "https://github.com/acme/bank.git/info/lfs"),
        ("git@github.com:acme/bank.git", "https://github.com/acme/bank.git/info/lfs"),
        ("ssh://git@github.com:22/acme/bank.git", "https://github.com/acme/bank.git/info/lfs"),
    ],
)
def test_the_server_of_a_remote_is_the_one_that_git_lfs_derives(remote: str, server: str) -> None:
    assert _of_remote(remote) == server


@pytest.mark.parametrize(
    "text",
    [
        "version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 680\n",
        "version https://git-lfs.github.com/spec/v1\r\noid sha256:{oid}\r\nsize 680\r\n",
        "version https://git-lfs.github.com/spec/v1\next-0-foo sha256:{oid}\noid sha256:{oid}\nsize 680",
    ],
)
def test_a_pointer_is_read(text: str) -> None:
    assert parse_pointer(text.format(oid=OID).encode()) == POINTER


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version https://git-lfs.github.com/spec/v1\noid sha256:../../etc\nsize 680\n",
        "version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize -1\n",
        "version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 680\nmore\n",
        "version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 680\n" + "\n" * 1024,
        "version https://other.example/spec/v1\noid sha256:{oid}\nsize 680\n",
    ],
)
def test_what_is_no_pointer_is_none(text: str) -> None:
    assert parse_pointer(text.format(oid=OID).encode()) is None
