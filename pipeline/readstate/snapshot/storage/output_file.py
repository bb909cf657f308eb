"""One output file of a command, on the local disk or in an object store."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from readstate.disk.files import open_output
from readstate.errors import Usage
from readstate.snapshot.storage.address import is_address, parse_address
from readstate.snapshot.storage.cloud import open_cloud_store

Write = Callable[[bytes], None]


def output_writer(out: str) -> Write:
    """Return a function that writes the file *out*, a path or an address, and replaces what is there.

    No request is sent before it is called. Raise `BadInput` and `Usage` where *out* cannot be right.
    """
    return _cloud_writer(out) if is_address(out) else partial(_write_file, Path(out))


def _write_file(out: Path, content: bytes) -> None:
    with open_output(out) as file:
        file.write(content)


def _cloud_writer(address: str) -> Write:
    if not parse_address(address).prefix or address.endswith("/"):
        raise Usage(
            f"{address}: the file's name is missing",
            hint=f"Add it to the address, such as {address.rstrip('/')}/report.html",
        )
    folder, _, name = address.rpartition("/")
    objects = open_cloud_store(folder)
    return lambda content: objects.put_bytes(content, name)
