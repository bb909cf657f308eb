"""A small S3 within the test's process, for where moto cannot be installed: objects whole, conditions, listings."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

from tests.helpers.object_stores import s3_environment

_MADE = "2026-11-23T00:00:00.000Z"


class SmallS3:
    """Every bucket is there, and empty; *objects* are named ``bucket/key``."""

    def __init__(self, endpoint: str) -> None:
        self.environment = s3_environment(endpoint)
        self.objects: dict[str, bytes] = {}
        self.lock = threading.Lock()


@contextmanager
def small_s3() -> Iterator[SmallS3]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    store = SmallS3(f"http://127.0.0.1:{server.server_port}")
    server.store = store  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        with self._store.lock:
            held = self._store.objects.get(self._name)
            is_refused = (self.headers["If-None-Match"] == "*" and held is not None) or (
                self.headers["If-Match"] is not None and (held is None or self.headers["If-Match"] != _etag(held))
            )
            if not is_refused:
                self._store.objects[self._name] = content
        self._refuse(412, "PreconditionFailed") if is_refused else self._answer(200, b"", ETag=_etag(content))

    def do_GET(self) -> None:
        held = self._store.objects.get(self._name)
        if "list-type" in (asked := parse_qs(urlsplit(self.path).query)):
            self._answer(200, self._listing(asked.get("prefix", [""])[0], asked.get("delimiter", [""])[0]))
        elif held is None:
            self._refuse(404, "NoSuchKey")
        elif (part := self.headers["Range"]) is not None:
            first, last = part.removeprefix("bytes=").split("-")
            end = min(int(last) + 1, len(held))
            where = {"Content-Range": f"bytes {first}-{end - 1}/{len(held)}"}
            self._answer(206, held[int(first) : end], ETag=_etag(held), **where)
        else:
            self._answer(200, held, ETag=_etag(held))

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        """Delete objects: a client says so of one, too."""
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        keys = re.findall(r"<Key>(.*?)</Key>", asked)
        for key in keys:
            self._store.objects.pop(f"{self._name}/{unescape(key)}", None)
        deleted = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        self._answer(200, f"<DeleteResult>{deleted}</DeleteResult>".encode())

    @property
    def _store(self) -> SmallS3:
        return self.server.store  # type: ignore[attr-defined, no-any-return]

    @property
    def _name(self) -> str:
        return unquote(urlsplit(self.path).path).strip("/")

    def _listing(self, prefix: str, delimiter: str) -> bytes:
        below = f"{self._name}/"
        keys = sorted(name.removeprefix(below) for name in list(self._store.objects) if name.startswith(below + prefix))
        files, folders = [], set()
        for key in keys:
            folder, slash, _ = key.removeprefix(prefix).partition(delimiter or "\0")
            if slash:
                folders.add(prefix + folder + delimiter)
                continue
            content = self._store.objects[below + key]
            files.append(
                f"<Contents><Key>{escape(key)}</Key><LastModified>{_MADE}</LastModified>"
                f"<ETag>{escape(_etag(content))}</ETag><Size>{len(content)}</Size></Contents>"
            )
        prefixes = [f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in sorted(folders)]
        return f"<ListBucketResult>{''.join(files + prefixes)}</ListBucketResult>".encode()

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code></Error>".encode())

    def _answer(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Last-Modified", "Mon, 23 Nov 2026 00:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
