from pathlib import Path

import msgspec
import pytest

from readstate.errors import BadInput
from readstate.simulator.api.behaviour import Behaviour, ConversationList, OrderedList
from readstate.simulator.faults.faults import Faults
from readstate.simulator.server.account_profile import AccountProfile, load_profile


def _file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "probe.json"
    path.write_bytes(content)
    return path


def test_a_profile_comes_back_from_its_file(tmp_path: Path) -> None:
    profile = AccountProfile(
        behaviour=Behaviour(users=OrderedList(order="created"), forbidden=("messages",)),
        faults=Faults(latency_quantiles_ms=(20, 40.5, 300), clock_skew_seconds=-3, concurrency_cap=None),
    )

    assert load_profile(_file(tmp_path, msgspec.json.encode({"account": profile, "asked_at": "now"}))) == profile


def test_what_a_profile_leaves_out_is_as_by_default(tmp_path: Path) -> None:
    path = _file(tmp_path, b'{"account": {"behaviour": {"conversations": {"order": "updated"}}}}')

    assert load_profile(path) == AccountProfile(
        behaviour=Behaviour(conversations=ConversationList(order="updated", largest_page=100))
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "describes no account"),
        (b"[]", "describes no account"),
        (b"{}", "account"),
        (b"[" * 100_000, "describes no account"),
        (b'{"account": {"behavior": {}}}', "not behavior"),
        (b'{"account": {"behaviour": {"tokn_form": "json"}}}', "did you mean 'token_form'"),
        (b'{"account": {"faults": {"error_share": 2}}}', "between 0 and 1"),
    ],
)
def test_a_file_that_describes_no_account_is_refused_with_the_reason(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        load_profile(_file(tmp_path, content))


def test_a_file_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        load_profile(tmp_path / "nothing")
