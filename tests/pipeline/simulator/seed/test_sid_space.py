from hypothesis import given
from hypothesis import strategies as st

from readstate.simulator.seed.sid_space import Permutation, SidSpace

keys = st.integers(0, 2**128 - 1)


@given(count=st.integers(1, 300), key=keys)
def test_a_permutation_is_one_to_one_and_runs_both_ways(count: int, key: int) -> None:
    shuffle = Permutation(count, key)

    places = [shuffle.place_of(number) for number in range(count)]

    assert sorted(places) == list(range(count))
    assert [shuffle.number_at(place) for place in places] == list(range(count))


@given(count=st.integers(1, 200), key=keys)
def test_every_sid_leads_back_to_its_number(count: int, key: int) -> None:
    space = SidSpace("US", count, key)

    sids = [space.sid_of(number) for number in range(count)]

    assert [space.number_of(sid) for sid in sids] == list(range(count))
    assert {len(sid) for sid in sids} == {34}
    assert len(set(sids)) == count


@given(count=st.integers(1, 200), key=keys)
def test_places_are_in_the_order_of_the_sids(count: int, key: int) -> None:
    space = SidSpace("US", count, key)

    sids = [space.sid_of(space.number_at(place)) for place in range(count)]

    assert sids == sorted(sids)


@given(count=st.integers(0, 60), key=keys, sid=st.from_regex(r"US[0-9a-f]{32}", fullmatch=True))
def test_a_list_can_be_entered_at_any_sid(count: int, key: int, sid: str) -> None:
    space = SidSpace("US", count, key)
    sids = [space.sid_of(space.number_at(place)) for place in range(count)]

    for border in (sid, *sids):
        assert sids[space.first_place_after(border) :] == [found for found in sids if found > border]
        assert sids[space.first_place_from(border) :] == [found for found in sids if found >= border]


def test_a_sid_that_was_not_issued_leads_nowhere() -> None:
    space = SidSpace("US", 1_000_000, 7)
    genuine = space.sid_of(5)
    forged = genuine[:-1] + ("0" if genuine[-1] != "0" else "1")

    assert space.number_of(forged) is None
    assert space.number_of("US" + "f" * 32) is None
    assert space.number_of("US" + "z" * 32) is None
    assert space.number_of("CH" + genuine[2:]) is None
    assert space.number_of("user-5") is None
