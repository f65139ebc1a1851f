"""A server of wandb on loopback, as far as a run needs one: a few fixed answers in GraphQL, and its stream of files."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager

from tests.edges.servers import Handler, serving

_PROJECT = {"id": "p", "name": "x", "entity": {"id": "e", "name": "e"}}
_BUCKET = {"id": "b", "name": "b", "displayName": "b", "project": _PROJECT}
_DATA = {
    "model": {**_PROJECT, "bucket": None},
    "upsertBucket": {"bucket": _BUCKET, "inserted": True},
    "createRunFiles": {"runID": "b", "uploadHeaders": [], "files": []},
}


class Heard:
    """Paths and bodies of all requests; once `lost`, every connection is reset."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes]] = []
        self.lost = False


@contextmanager
def wandb_server() -> Iterator[tuple[str, Heard]]:
    """URL of a server, and what it hears."""
    heard = Heard()

    class Server(Handler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if heard.lost:
                self.reset()
                return
            if self.headers.get("Content-Encoding") == "gzip":
                content = gzip.decompress(content)
            heard.requests.append((self.path, content))
            self.reply(200, {"data": _DATA} if self.path == "/graphql" else {"limits": {}})

    with serving(Server) as url:
        yield url, heard
