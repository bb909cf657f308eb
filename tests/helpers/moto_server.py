"""moto's S3, as strict as the real one: of two conditional writes at once only one wins. Ends with who started it."""

import os
import sys
import threading
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple


class OneAtATime:
    """Answers one request after the other: moto looks at a condition, and writes later."""

    def __init__(self, application: Any) -> None:
        self._application, self._turn = application, threading.Lock()

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        with self._turn:
            return list(self._application(environ, start_response))


def _end_with_who_started_it() -> None:
    sys.stdin.buffer.read()  # ends when the other end is closed, also by a kill
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_who_started_it, daemon=True).start()
    application = OneAtATime(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler)
