"""An address of Redis is shown without its password, also where nobody can say where that ends."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from readstate.errors import BadInput
from readstate.settings.redis_address import check_shared_pace, without_password


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("/run/pace", "/run/pace"),
        ("pace@home", "pace@home"),
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("rediss://me:sesame@[::1]:6379/0?password=sesame", "rediss://[::1]:6379/0"),
        ("unix://me:sesame@/run/redis.sock?db=1", "unix:///run/redis.sock"),
        ("redis://:se/same@localhost/0", "redis://…"),
        ("redis://:se@same@localhost/0", "redis://…"),
        ("redis://localhost:sesame/0", "redis://…"),
        ("postgres://me:sesame@localhost", "postgres://…"),
    ],
)
def test_what_could_be_a_password_is_not_shown(place: str, shown: str) -> None:
    assert without_password(place) == shown


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
@example("/")
@example("#0/0")
@example("@localhost")
def test_no_password_can_leak_by_what_it_holds(password: str) -> None:
    address = f"redis://:\x00{password}\x00@localhost:6379/0"

    assert without_password(address) == "redis://…"
    with pytest.raises(BadInput) as refused:
        check_shared_pace(address, "environment READSTATE_SHARED_PACE")
    assert "\x00" not in str(refused.value)


@pytest.mark.parametrize("path", ["abc", "0/1", "0#1", "123456"])
def test_a_database_that_is_no_number_is_refused_and_not_taken_for_the_first(path: str) -> None:
    with pytest.raises(BadInput, match="not a valid address"):
        check_shared_pace(f"redis://localhost/{path}", "environment READSTATE_SHARED_PACE")
