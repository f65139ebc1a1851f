"""A real object store on loopback (moto's S3 server), and a wire in front of it that can be cut."""

import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

BUCKET = "models"
_ANSWER = (
    b"<Error><Code>NotImplemented</Code>"
    b"<Message>A header you provided implies functionality that is not implemented</Message></Error>"
)
_NOT_IMPLEMENTED = (
    b"HTTP/1.1 501 Not Implemented\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_ANSWER), _ANSWER)
)


class Wire:
    """Forwards TCP connections to `port`. While `cuts` is above zero, a connection that has carried `after` bytes of a
    request is reset, and `cuts` falls by one. What is in `hidden` is blanked in answers; a request that holds
    `unknown` is answered as a service does that has no such thing."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.after = 0
        self.cuts = 0
        self.cut = 0
        self.hidden = self.unknown = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                for pair in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, request: bool) -> None:
        carried = 0
        with suppress(OSError):
            while content := source.recv(65536):
                carried += len(content)
                if request and self.cuts > 0 and carried > self.after:
                    self.cuts -= 1
                    self.cut += 1
                    break
                if request and self.unknown and self.unknown in content.lower():
                    source.sendall(_NOT_IMPLEMENTED)
                    break
                if not request and self.hidden:
                    content = content.replace(self.hidden, b" " * len(self.hidden))
                target.sendall(content)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextmanager
def serving() -> Iterator[Wire]:
    """An empty bucket behind a wire; nothing is left running."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    wire = Wire(server.get_host_and_port()[1])
    try:
        client(wire.url).create_bucket(Bucket=BUCKET)
        yield wire
    finally:
        _tell(wire, "reset", "")
        wire.close()
        server.stop()


def demand_authority(wire: Wire, after: str) -> None:
    """From so many requests on, the server knows no key that it did not give out."""
    _tell(wire, "reset-auth", after)


def _tell(wire: Wire, what: str, body: str) -> None:
    request = urllib.request.Request(
        f"{wire.url}/moto-api/{what}", data=body.encode(), headers={"Content-Type": "text/plain"}
    )
    urllib.request.urlopen(request, timeout=10).close()


def client(url: str) -> Any:
    """The service as its own client sees it."""
    import boto3

    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    return boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)
