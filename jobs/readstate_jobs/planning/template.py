"""``readstate template``: a changes file to start from."""

import csv
import sys

_EXAMPLE = ("US" + "0" * 31 + "1", "CH" + "0" * 31 + "1")
_NAMED = ("alice@example.com", "support-4711")
_HEADERS = {
    "update": ("user", "conversation", "last_read_message_index", "last_read_timestamp", "notification_level", "note"),
    "delete": ("user", "conversation", "note"),
}
_EXAMPLES = {
    "update": ((*_EXAMPLE, "118", "", "", "read up to message 118"), (*_NAMED, "@latest", "", "muted", "read all")),
    "delete": ((*_EXAMPLE, "leaves this conversation"), (*_NAMED, "")),
}


def carry_out(*, op: str) -> None:
    """Carry out ``readstate template``."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_HEADERS[op])
    writer.writerows(_EXAMPLES[op])
