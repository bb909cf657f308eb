from hypothesis import given
from hypothesis import strategies as st

from readstate.simulator.seed.identities import Identities


@given(user=st.integers(0, 5_000_000), share=st.sampled_from([0.0, 0.1, 1.0]), key=st.integers(0, 2**64))
def test_every_identity_leads_back_to_its_user(user: int, share: float, key: int) -> None:
    identities = Identities(share, key)

    identity = identities.identity_of(user)

    assert identities.user_of(identity) == user
    assert 0 < len(identity) <= 256


def test_identities_are_unique_even_when_all_are_odd() -> None:
    identities = Identities(1.0, 9)

    names = [identities.identity_of(user) for user in range(5_000)]

    assert len(set(names)) == 5_000


def test_odd_identities_hold_every_character_that_hurts() -> None:
    identities = Identities(0.5, 3)

    text = "\n".join(identities.identity_of(user) for user in range(2_000))

    assert all(trouble in text for trouble in ["/", "#", "?", "%", "%2F", "+", " ", "|", "..", "\t", "🙂", "李", "<b>"])


def test_a_world_without_odd_identities_has_none() -> None:
    identities = Identities(0.0, 3)

    assert [identities.identity_of(user) for user in range(20)] == [f"user-{user}" for user in range(20)]
    assert identities.user_of("nobody") is None
    assert identities.user_of("user-07") is None
