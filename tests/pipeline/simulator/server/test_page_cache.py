"""Rendered pages, kept within bounds."""

from readstate.simulator.api.responses import Response
from readstate.simulator.server.page_cache import PageCache


def test_the_oldest_pages_go_when_there_is_no_more_room() -> None:
    cache = PageCache(most_bytes=25)

    for name in "abc":
        cache.put(name, ("/", Response(200, b"0123456789")))

    assert [name for name in "abc" if cache.get(name)] == ["b", "c"]


def test_nothing_is_left_when_the_world_has_changed() -> None:
    cache = PageCache(most_bytes=25)
    cache.put("a", ("/", Response(200, b"0123456789")))

    cache.clear()
    for name in "bc":
        cache.put(name, ("/", Response(200, b"0123456789")))

    assert [name for name in "abc" if cache.get(name)] == ["b", "c"]
