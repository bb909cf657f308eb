"""The digest of a chunk against a slow twin, written from its description alone."""

import hashlib
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from readstate.changes.plans.schema import ROWS, digest_chunk, digest_chunks, to_batch, to_rows
from readstate.model.plan import PlanRow
from tests.helpers.plans import plan_row

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def slow_digest(rows: list[PlanRow]) -> str:
    digest = hashlib.sha256()
    for field in ROWS:
        values: list[Any] = [getattr(row, field.name) for row in rows]
        digest.update(field.name.encode() + b"\n")
        digest.update(b"".join(struct.pack("<q", value is not None) for value in values))
        if field.type == pa.string():
            texts = [(value or "").encode() for value in values]
            digest.update(b"".join(struct.pack("<q", len(text)) for text in texts))
            digest.update(b"".join(texts))
        else:
            digest.update(b"".join(struct.pack("<q", number(value)) for value in values))
    return digest.hexdigest()


def number(value: Any) -> int:
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(microseconds=1)
    return value or 0


texts = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=6))
numbers = st.one_of(st.none(), st.integers(0, 2**62))
moments = st.one_of(st.none(), st.datetimes(datetime(1960, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
rows = st.lists(
    st.builds(
        lambda text, other, index, moment: replace(
            plan_row(0), note=text, row_key=other, before_index=index, before_timestamp=moment
        ),
        texts, texts, numbers, moments,
    ),
    max_size=6,
)  # fmt: skip


@settings(max_examples=60)
@given(rows)
def test_the_digest_is_the_one_that_its_description_says(some: list[PlanRow]) -> None:
    assert digest_chunk(to_batch(some)) == slow_digest(some)


@settings(max_examples=60)
@given(rows, st.integers(0, 3))
def test_the_digest_does_not_depend_on_how_arrow_holds_the_rows(some: list[PlanRow], skipped: int) -> None:
    longer = to_batch([*[plan_row(1)] * skipped, *some, plan_row(2)])

    assert digest_chunk(longer.slice(skipped, len(some))) == slow_digest(some)


@settings(max_examples=60)
@given(rows)
def test_rows_come_back_as_they_were(some: list[PlanRow]) -> None:
    assert list(to_rows(to_batch(some))) == some


@given(st.lists(st.text("01", max_size=3), max_size=3), st.lists(st.text("01", max_size=3), max_size=3))
def test_moving_text_between_cells_changes_the_digest(left: list[str], right: list[str]) -> None:
    def of(cells: list[str]) -> str:
        return digest_chunk(to_batch([replace(plan_row(0), note=cell) for cell in cells]))

    assert (of(left) == of(right)) == (left == right)


def test_chunks_are_digested_in_their_order() -> None:
    assert digest_chunks(["a", "b"]) != digest_chunks(["b", "a"])
    assert digest_chunks([]) == hashlib.sha256(b"").hexdigest()
