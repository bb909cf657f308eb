"""Find a few rows of a list with few requests: page by page while that pays, the rest one by one."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Generic, TypeVar

from msgspec import Struct, field

Row = TypeVar("Row")


class Listed(Struct, Generic[Row]):
    """What the pages read so far have shown."""

    wanted: set[str]
    """The names still looked for."""
    found: dict[str, Row] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    """The first name of every row: pages may repeat rows while others come and go."""
    pages: int = 0
    complete: bool = False

    @property
    def paging_pays(self) -> bool:
        """Whether the next page is likely to be cheaper than asking for each wanted row.

        The length of the list is unknown. Reading on while more rows are wanted than pages were read
        never costs more than twice the requests of the best choice in hindsight (ski rental).
        """
        return len(self.wanted) > self.pages


async def list_wanted(
    pages: AsyncIterator[Sequence[Row]],
    names: Callable[[Row], Iterable[str]],
    wanted: Iterable[str],
    *,
    read_on: Callable[[Listed[Row]], bool],
) -> Listed[Row]:
    """Read *pages* until they end or *read_on* returns False; a row is found under any of its *names*."""
    listed: Listed[Row] = Listed(set(wanted))
    async with aclosing(pages) as rest:  # type: ignore[type-var]
        async for page in rest:
            listed.pages += 1
            for row in page:
                _add(listed, row, list(names(row)))
            if not read_on(listed):
                return listed
    listed.complete = True
    return listed


def _add(listed: Listed[Row], row: Row, names: list[str]) -> None:
    listed.seen.update(names[:1])
    for name in names:
        if name in listed.wanted:
            listed.wanted.discard(name)
            listed.found[name] = row
