import pytest

from readstate.errors import BadInput, GuardRefused
from readstate.snapshot.roster.shard import Shard
from readstate.snapshot.shards.agreement import require_all_shards, require_same_options
from readstate.snapshot.shards.staging import Staging
from tests.helpers.staged_shards import OPTIONS, complete, register


def test_shards_are_in_order_whenever_they_were_completed(staging: Staging) -> None:
    for number in (10, 2, 1, 9, 3, 8, 4, 7, 5, 6):
        complete(staging, Shard(number, 10))

    assert [shard.shard.number for shard in require_all_shards(staging)] == list(range(1, 11))


def test_a_shard_that_never_began_is_named_with_the_command_of_another(staging: Staging) -> None:
    complete(staging, Shard(1, 3))
    register(staging, Shard(2, 3), command=("readstate", "export", "--users", "of 2.csv"))

    with pytest.raises(GuardRefused) as refusal:
        require_all_shards(staging)

    assert "readstate export --users 'of 2.csv' --shard 2/3" in str(refusal.value)
    assert "--shard 3/3" in str(refusal.value)


def test_shards_of_two_accounts_are_refused(staging: Staging) -> None:
    complete(staging, Shard(1, 2))
    complete(staging, Shard(2, 2), account_sid="AC2")

    with pytest.raises(BadInput, match="disagree about account: 1/2: AC1; 2/2: AC2"):
        require_all_shards(staging)


@pytest.mark.parametrize("version", [{"schema_version": 2}, {"staging_version": 1}, {"staging_version": 99}])
def test_shards_of_another_version_are_refused(version: dict[str, int], staging: Staging) -> None:
    complete(staging, Shard(1, 1), tool_version="9.9", **version)

    with pytest.raises(BadInput, match=r"was staged by another readstate, 9\.9"):
        require_all_shards(staging)


def test_a_shard_may_differ_from_its_own_registration_but_not_from_the_others(staging: Staging) -> None:
    register(staging, Shard(1, 2))
    other = OPTIONS | {"services": ["default"]}

    require_same_options(staging, Shard(1, 2), other)
    with pytest.raises(BadInput, match="disagree about services"):
        require_same_options(staging, Shard(2, 2), other)
    with pytest.raises(BadInput, match="divided in different ways: 1/2, 2/3"):
        require_same_options(staging, Shard(2, 3), OPTIONS)


def test_staged_files_that_were_removed_meanwhile_are_no_run(staging: Staging) -> None:
    with pytest.raises(GuardRefused, match="removed meanwhile: nothing published"):
        require_all_shards(staging)
