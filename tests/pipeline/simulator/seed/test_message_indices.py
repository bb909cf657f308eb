"""Messages counted by arithmetic, held against messages counted one by one."""

from hypothesis import given
from hypothesis import strategies as st

from readstate.simulator.seed.message_indices import Messages


@st.composite
def any_messages(draw: st.DrawFn) -> Messages:
    every = draw(st.sampled_from([0, 2, 3, 7, 50]))
    last = draw(st.integers(-1, 120))
    messages = Messages(
        last, draw(st.integers(0, 2)) if last >= 2 else 0, every, draw(st.integers(0, 49)) % (every or 1)
    )
    for _ in range(draw(st.integers(0, 4))):
        messages = messages.with_message()
    for _ in range(draw(st.integers(0, 3))):
        present = list(messages.ascending(-1))
        if present:
            messages = messages.without(draw(st.sampled_from(present)))
    return messages


@given(messages=any_messages(), horizon=st.integers(-3, 140))
def test_the_count_above_a_horizon_is_the_number_of_messages_there(messages: Messages, horizon: int) -> None:
    assert messages.count_after(horizon) == len(list(messages.ascending(horizon)))


@given(messages=any_messages())
def test_down_is_up_reversed_and_the_newest_comes_first(messages: Messages) -> None:
    up = list(messages.ascending(-1))

    assert list(messages.descending(messages.last_ever + 1)) == up[::-1]
    assert messages.newest() == (up[-1] if up else None)


def test_an_index_is_never_given_out_twice() -> None:
    messages = Messages(4).with_message()

    again = messages.without(5).with_message()

    assert messages.newest() == 5
    assert again.newest() == 6
    assert not again.has(5)


def test_the_newest_messages_may_be_gone() -> None:
    messages = Messages(9, newest_deleted=2)

    assert messages.newest() == 7
    assert messages.count_after(9) == 0
    assert messages.with_message().newest() == 10
    assert messages.with_message().last_ever_seeded() == 9
