import sys
from functools import partial
from pathlib import Path

import pytest

from readstate.errors import BadInput
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.twilio.shared_pace.file_store import FileStore
from readstate.twilio.shared_pace.ledger import take_turn
from readstate.twilio.shared_pace.open_store import open_store
from readstate.twilio.shared_pace.redis_store import RedisStore
from tests.helpers.fake_clock import FakeClock
from tests.helpers.ledgers import member_report

ACCOUNT = "AC" + 32 * "1"


async def members_met(path: Path, *, base_url: str = "https://conversations.twilio.com", **credentials: str) -> int:
    settings = Settings(base_url=base_url, shared_pace=str(path))
    who = Credentials(**({"account_sid": ACCOUNT, "username": "SK1", "secret": "x"} | credentials))
    store = open_store(settings, who, FakeClock())
    return (await store.update(partial(take_turn, member_report(f"{base_url} {credentials}")))).members


async def test_processes_of_one_account_meet_whatever_their_keys(tmp_path: Path) -> None:
    await members_met(tmp_path / "pace", username="SK1")

    assert await members_met(tmp_path / "pace", username="SK2") == 2


@pytest.mark.parametrize(
    "other", [{"account_sid": "AC" + 32 * "2"}, {"base_url": "https://conversations.dublin.ie1.twilio.com"}]
)
async def test_other_accounts_and_regions_do_not_meet(tmp_path: Path, other: dict[str, str]) -> None:
    await members_met(tmp_path / "pace")

    assert await members_met(tmp_path / "pace", **other) == 1


async def test_the_file_does_not_tell_which_account_it_is(tmp_path: Path) -> None:
    await members_met(tmp_path / "pace")

    assert ACCOUNT.encode() not in (tmp_path / "pace").read_bytes()[:30]


@pytest.mark.parametrize(("place", "kind"), [("/run/pace", FileStore), ("redis://127.0.0.1:1", RedisStore)])
async def test_an_address_leads_to_redis_and_all_else_is_a_file(place: str, kind: type) -> None:
    store = open_store(Settings(shared_pace=place), Credentials(ACCOUNT, "SK1", "x"), FakeClock())

    assert isinstance(store, kind)
    await store.close()


@pytest.mark.parametrize("arguments", ["passwort=sesame", "socket_timeout=sesame", "protocol=9"])
def test_arguments_that_the_client_does_not_know_are_refused_before_anything_is_sent(arguments: str) -> None:
    address = f"redis://:sesame@127.0.0.1:1/0?{arguments}"

    with pytest.raises(BadInput, match=r"redis://127\.0\.0\.1:1/0: redis-py does not understand") as refused:
        open_store(Settings(shared_pace=address), Credentials(ACCOUNT, "SK1", "x"), FakeClock())

    assert "sesame" not in str(refused.value)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "readstate.twilio.shared_pace.redis_store", raising=False)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)

    with pytest.raises(BadInput) as refused:
        open_store(Settings(shared_pace="redis://127.0.0.1"), Credentials(ACCOUNT, "SK1", "x"), FakeClock())

    assert refused.value.hint == "pip install 'readstate[redis]'"
