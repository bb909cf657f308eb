"""A server between a command and the simulator that puts hostile text wherever Twilio has text of its own."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

_TEXTS = {"friendly_name", "identity", "created_by", "message", "unique_name", "conversation_state"}


@contextmanager
def hostile_server(base_url: str, text: str, *, refusing: str) -> Iterator[str]:
    """Pass requests on to *base_url* and put *text* into each answer; yield the address.

    Paths that hold *refusing* are answered with an error whose message is *text*.
    """
    target = urlsplit(base_url).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection = http.client.HTTPConnection(target)
            connection.request(self.command, self.path, content, dict(self.headers))
            answer = connection.getresponse()
            status, body = answer.status, answer.read()
            if refusing in self.path:
                status, body = 400, json.dumps({"code": 20001, "message": text, "status": 400}).encode()
            elif body:
                body = json.dumps(_with(json.loads(body), text)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_DELETE = do_GET  # noqa: N815 - names of the library

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _with(value: Any, text: str) -> Any:
    """Return *value* with *text* in place of its texts, and as the name of one more field of each object."""
    if isinstance(value, list):
        return [_with(item, text) for item in value]
    if not isinstance(value, dict):
        return value
    changed = {key: text if key in _TEXTS and item is not None else _with(item, text) for key, item in value.items()}
    return changed | ({text: text} if "sid" in value or "user_sid" in value else {})
