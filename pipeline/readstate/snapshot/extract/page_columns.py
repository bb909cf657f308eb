"""What readers of pages take and give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa


class PageOfUser(NamedTuple):
    """The body of one page, and whose it is to be."""

    body: bytes
    chat_service_sid: str
    user_sid: str


@dataclass(frozen=True, slots=True)
class PageColumns:
    """The rows of some pages."""

    columns: Mapping[str, pa.Array]
    """Twilio's fields as the schema `ROWS` has them."""
    rows_per_page: Sequence[int]
    page_of_row: pa.Array
    unknown_fields: Mapping[str, int]
    """Fields without a column, each with the rows that gave it a value other than null."""


class Doubtful(Exception):
    """A fast reader does not vouch for these pages."""
