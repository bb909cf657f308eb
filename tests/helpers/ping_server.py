"""A monitoring service on loopback, which hears the pings of a test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class PingServer:
    """What came in, and how each request is answered; None never answers."""

    url: str = ""
    statuses: list[int | None] = field(default_factory=list)
    """Of the first requests; those after them get 200."""
    pings: list[tuple[str, str]] = field(default_factory=list)
    """Path and body of each request."""


@contextmanager
def ping_server() -> Iterator[PingServer]:
    heard, over = PingServer(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status = heard.statuses[len(heard.pings)] if len(heard.pings) < len(heard.statuses) else 200
            heard.pings.append((self.path, body))
            if status is None:
                over.wait()
                return
            self.send_response(status)
            self.send_header("Location", f"{heard.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        heard.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield heard
        finally:
            over.set()
            server.shutdown()
            thread.join()
