"""Names are remembered in little memory, and each counts as new once."""

import tracemalloc

from readstate.twilio.lists.seen_names import SeenNames


def test_a_name_is_new_once() -> None:
    seen = SeenNames()

    assert seen.add(["a", "b", None])
    assert not seen.add(["b", None, "a"])
    assert seen.add(["a", "c", "b"])
    assert not seen.add(["c"])
    assert not seen.add([])


def test_forty_thousand_names_take_less_than_their_letters() -> None:
    seen = SeenNames()
    tracemalloc.start()
    try:
        is_new = seen.add(f"US{number:032x}" for number in range(40_000))
        memory, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert is_new
    assert memory < 40_000 * 83, "which a set of these names would take without its table"
