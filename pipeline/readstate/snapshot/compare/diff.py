"""Compares two tables with the same range of keys, column by column."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field

from readstate.snapshot.compare.change_feed import CHANGES
from readstate.snapshot.compare.comparability import Comparability
from readstate.snapshot.compare.merge_join import SORT_KEY
from readstate.snapshot.published.manifest import Dataset


class DiffCounts(Struct):
    """How many rows of one dataset differ, and in which fields."""

    before: int = 0
    """Rows of the earlier snapshot."""
    after: int = 0
    added: int = 0
    removed: int = 0
    changed: int = 0
    """Rows of both snapshots that differ in at least one field."""
    addition_unknown: int = 0
    removal_unknown: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    """For each field, the number of rows that differ in it."""
    rose: Counter[str] = field(default_factory=Counter)
    """For each field of whole numbers, the number of rows in which it is higher than before."""
    fell: Counter[str] = field(default_factory=Counter)
    first_set: Counter[str] = field(default_factory=Counter)
    """Rows in which it had no value before."""

    @property
    def unchanged(self) -> int:
        """Rows that are equal in both snapshots."""
        return self.before - self.removed - self.removal_unknown - self.changed


class Comparer(Struct, frozen=True):
    """Compares pairs of tables of one dataset."""

    dataset: Dataset
    key: Sequence[str]
    """The key's columns in the dataset; the feed names them chat_service_sid, user_sid and conversation_sid."""
    fields: Sequence[str]
    comparability: Comparability

    def compare(self, before: pa.Table, after: pa.Table, counts: DiffCounts) -> pa.Table:
        """Return the changes from *before* to *after*, sorted, and add their numbers to *counts*."""
        counts.before += len(before)
        counts.after += len(after)
        # The usual case, and far cheaper than the lookups below.
        if before[SORT_KEY].equals(after[SORT_KEY]):
            return self._sorted(self._changed(before, after, counts))
        matches = pc.index_in(after[SORT_KEY], value_set=before[SORT_KEY].combine_chunks())
        added = after.filter(pc.is_null(matches))
        missing = before.filter(pc.invert(pc.is_in(before[SORT_KEY], value_set=after[SORT_KEY].combine_chunks())))
        pieces = []
        if len(added):
            pieces.append(self._added(added, counts))
        if len(missing):
            pieces.append(self._removed(missing, counts))
        if len(added) < len(after):
            both = before.take(matches.drop_null()), after.filter(pc.is_valid(matches))
            pieces.extend(self._changed(*both, counts))
        return self._sorted(pieces)

    def _added(self, rows: pa.Table, counts: DiffCounts) -> pa.Table:
        if self.comparability.additions_known:
            counts.added += len(rows)
            return self._change_rows(rows, "added")
        counts.addition_unknown += len(rows)
        return self._change_rows(rows, "addition_unknown")

    def _removed(self, rows: pa.Table, counts: DiffCounts) -> pa.Table:
        if self.comparability.removals_known:
            counts.removed += len(rows)
            return self._change_rows(rows, "removed")
        counts.removal_unknown += len(rows)
        return self._change_rows(rows, "removal_unknown")

    def _changed(self, before: pa.Table, after: pa.Table, counts: DiffCounts) -> Iterator[pa.Table]:
        """Yield the changes of rows that are in both tables, in the same order, field by field."""
        changed_rows = []
        for field_number, name in enumerate(self.fields):
            old, new = before[name], after[name]
            if old.equals(new):
                continue
            different = _differ(old, new)
            rows = pc.indices_nonzero(different)
            if len(rows):
                counts.fields[name] += len(rows)
                changed_rows.append(different)
                if pa.types.is_integer(new.type):
                    _count_directions(name, old.take(rows), new.take(rows), counts)
                yield self._change_rows(
                    after.take(rows),
                    "changed",
                    field_number=field_number,
                    field=name,
                    before=old.take(rows),
                    after=new.take(rows),
                )
        if changed_rows:
            counts.changed += int(pc.sum(reduce(pc.or_, changed_rows)).as_py())

    def _change_rows(
        self,
        rows: pa.Table,
        change_type: str,
        *,
        field_number: int = 0,
        field: str | None = None,
        before: pa.ChunkedArray | None = None,
        after: pa.ChunkedArray | None = None,
    ) -> pa.Table:
        nothing = pa.nulls(len(rows), pa.string())
        keys = [rows[name] for name in self.key] + [nothing] * (3 - len(self.key))
        return pa.table(
            [
                pa.repeat(self.dataset, len(rows)),
                pa.repeat(change_type, len(rows)),
                *keys,
                pa.repeat(pa.scalar(field, pa.string()), len(rows)),
                nothing if before is None else before.cast(pa.string()),
                nothing if after is None else after.cast(pa.string()),
                rows[SORT_KEY],
                pa.repeat(field_number, len(rows)),
            ],
            names=[*CHANGES.names, SORT_KEY, "field_number"],
        )

    def _sorted(self, pieces: Iterator[pa.Table] | list[pa.Table]) -> pa.Table:
        tables = list(pieces)
        if not tables:
            return CHANGES.empty_table()
        changes = pa.concat_tables(tables).sort_by([(SORT_KEY, "ascending"), ("field_number", "ascending")])
        return changes.select(CHANGES.names)


def _count_directions(name: str, before: pa.ChunkedArray, after: pa.ChunkedArray, counts: DiffCounts) -> None:
    """Count which way *after*, which differs from *before* in every row, has gone."""
    counts.rose[name] += pc.sum(pc.greater(after, before)).as_py() or 0
    counts.fell[name] += pc.sum(pc.less(after, before)).as_py() or 0
    counts.first_set[name] += before.null_count


def _differ(before: pa.ChunkedArray, after: pa.ChunkedArray) -> pa.Array:
    """Return for each row whether the values differ; null differs from every value and equals null."""
    one_is_null = pc.xor(pc.is_null(before), pc.is_null(after))
    different = pc.coalesce(pc.not_equal(before, after), one_is_null)
    return different.combine_chunks()
