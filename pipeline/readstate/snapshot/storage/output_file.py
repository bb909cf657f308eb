"""One file that a command makes for a person, on the disk or in an object store: there whole, or not at all."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from readstate.errors import Usage
from readstate.files import atomic_write
from readstate.snapshot.storage.cloud import open_cloud_store

Write = Callable[[bytes], None]


def output_writer(out: str) -> Write:
    """Give what writes a file named *out*, a path or an address, and replaces what is there.

    Raises `BadInput` and `Usage` where *out* cannot be right; asks a store nothing yet.
    """
    return _object(out) if "://" in out else _file(Path(out))


def _file(path: Path) -> Write:
    def write(content: bytes) -> None:
        with atomic_write(path) as file:
            file.write(content)

    return write


def _object(address: str) -> Write:
    folder, _, name = address.rpartition("/")
    if not name or not urlsplit(address).path:
        raise Usage(
            f"{address}: names no file",
            hint=f"End it with the file's name, such as {address.rstrip('/')}/report.html",
        )
    objects = open_cloud_store(folder)

    def write(content: bytes) -> None:
        objects.put_bytes(content, unquote(name))

    return write
