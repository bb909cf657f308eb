"""What large bodies may take of the memory, each and in all."""

import pytest

from readstate.errors import Unanswered, UnusableAnswer
from readstate.twilio.transport.body_budget import FREE_BYTES, BodyBudget
from tests.helpers.transports import READ

MEGABYTE = 1 << 20


def test_a_body_of_ordinary_size_takes_nothing() -> None:
    bodies = BodyBudget(each=MEGABYTE)
    share = bodies.share(READ)
    share.grow(FREE_BYTES)

    assert bodies.held == 0


def test_a_large_body_takes_its_size_until_its_share_is_dropped() -> None:
    bodies = BodyBudget(each=MEGABYTE)
    share = bodies.share(READ)
    for _ in range(8):
        share.grow(FREE_BYTES)
    assert bodies.held == 7 * FREE_BYTES

    del share

    assert bodies.held == 0


def test_a_body_that_is_too_large_by_itself_is_of_no_use() -> None:
    share = BodyBudget(each=MEGABYTE).share(READ)

    with pytest.raises(UnusableAnswer, match="larger than 1 MB"):
        share.grow(MEGABYTE + 1)


def test_bodies_that_are_too_large_together_may_be_asked_for_again() -> None:
    bodies = BodyBudget(each=MEGABYTE, limit=2 * MEGABYTE)
    shares = [bodies.share(READ) for _ in range(3)]
    shares[0].grow(MEGABYTE)
    shares[1].grow(MEGABYTE)

    with pytest.raises(Unanswered, match="larger than 2 MB in all"):
        shares[2].grow(FREE_BYTES + 1)
    shares.pop(0)
    shares[1].grow(FREE_BYTES + 1)


def test_one_body_always_fits() -> None:
    BodyBudget(each=2 * MEGABYTE, limit=MEGABYTE).share(READ).grow(2 * MEGABYTE)
