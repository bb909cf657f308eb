"""Every user belongs to exactly one shard, in every process and at all times."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from readstate.errors import BadInput
from readstate.snapshot.roster.shard import MOST_SHARDS, Shard, parse_run_id, parse_shard, parse_shard_folder

SIDS = st.integers(0, 16**32 - 1).map("US{:032x}".format)


def shards(count: int) -> list[Shard]:
    return [Shard(number, count) for number in range(1, count + 1)]


@given(user=SIDS | st.text(max_size=40), count=st.integers(1, 50))
def test_each_user_belongs_to_exactly_one_shard(user: str, count: int) -> None:
    assert sum(shard.owns(user) for shard in shards(count)) == 1


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_shards_are_of_about_one_size_even_where_sids_are_alike(count: int) -> None:
    users = [f"US{number:032x}" for number in range(10_000)]

    sizes = [sum(map(shard.owns, users)) for shard in shards(count)]

    assert sum(sizes) == len(users)
    assert max(sizes) < 1.1 * min(sizes)


def test_who_belongs_where_is_the_same_in_every_version() -> None:
    users = ["US" + "0" * 32, "US0123456789abcdef0123456789abcdef", "søren@example.com"]

    owners = [next(shard.number for shard in shards(4) if shard.owns(user)) for user in users]

    assert owners == [3, 1, 4], "shards of one run may be read by machines that are not upgraded at once"


@pytest.mark.parametrize("text", ["1/1", "2/4", "4/4", f"{MOST_SHARDS}/{MOST_SHARDS}", " 1/2 "])
def test_a_shard_is_read_as_it_is_written(text: str) -> None:
    shard = parse_shard(text)

    assert str(shard) == text.strip()
    assert parse_shard_folder(shard.folder) == shard


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a shard"),
        ("1", "1/4, 2/4, 3/4 and 4/4"),
        ("1/", "not a shard"),
        ("-1/4", "not a shard"),
        ("1/0", "1 to 1000 shards"),
        ("1/1001", "1 to 1000 shards"),
        ("0/4", "count from 1"),
        ("5/4", "4/4 the last"),
    ],
)
def test_what_is_no_shard_is_refused_with_what_to_write(text: str, words: str) -> None:
    with pytest.raises(BadInput) as refusal:
        parse_shard(text)

    assert words in str(refusal.value)


@pytest.mark.parametrize("name", ["", "publish", "1-of", "0-of-4", "5-of-4", "1-of-4-old"])
def test_other_folders_are_no_shards(name: str) -> None:
    assert parse_shard_folder(name) is None


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,99}", fullmatch=True))
def test_a_usable_name_of_a_run_is_taken_as_it_is(name: str) -> None:
    assert parse_run_id(name) == name


@given(st.text(max_size=120))
def test_an_unusable_name_of_a_run_is_refused_with_one_that_is_taken(name: str) -> None:
    refusal = _refusal_of(name)

    assume(refusal is not None)
    assert refusal is not None
    assert refusal.hint is not None
    assert parse_run_id(refusal.hint.split("--run ")[1])


def _refusal_of(name: str) -> BadInput | None:
    try:
        parse_run_id(name)
    except BadInput as refusal:
        return refusal
    return None


def test_a_run_of_a_scheduler_is_called_by_something_like_its_name() -> None:
    with pytest.raises(BadInput, match="--run scheduled__2026-11-23T00-00-00-00-00"):
        parse_run_id("scheduled__2026-11-23T00:00:00+00:00")


@pytest.mark.parametrize("name", ["../other", "a/b", ".hidden", "a b", "a\n"])
def test_no_name_of_a_run_leads_out_of_its_folder(name: str) -> None:
    with pytest.raises(BadInput):
        parse_run_id(name)
