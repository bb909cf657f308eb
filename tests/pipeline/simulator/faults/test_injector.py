import pytest

from readstate.simulator.faults.faults import Faults
from readstate.simulator.faults.injector import FaultInjector
from readstate.simulator.seed.world_shape import WorldShape
from tests.helpers.simulated_api import SimulatedApi

SHAPE = WorldShape(users=60, heaviest=60)


def _listed(api: SimulatedApi, path: str) -> list[str]:
    return [row.get("sid") or row["conversation_sid"] for row in api.rows(path)]


@pytest.mark.parametrize("path", ["/v1/Users", "/v1/Conversations", "{conversations}", "{messages}"])
@pytest.mark.parametrize("size", [2, 7])
def test_rows_may_come_twice(path: str, size: int) -> None:
    api = SimulatedApi(SHAPE)
    conversations = f"/v1/Users/{api.user_with(60)}/Conversations"
    messages = f"{api.membership()['links']['conversation']}/Messages"
    path = f"{path.format(conversations=conversations, messages=messages)}?PageSize={size}"
    right = _listed(api, path)
    api.faults(repeat_row_share=0.5)

    wrong = _listed(api, path)

    assert len(wrong) > len(right)
    assert list(dict.fromkeys(wrong)) == right


def test_pages_of_one_row_do_not_repeat_it_for_ever() -> None:
    api = SimulatedApi(SHAPE)
    api.faults(repeat_row_share=1)

    assert len(_listed(api, f"/v1/Users/{api.user_with(60)}/Conversations?PageSize=1")) == 60


@pytest.mark.parametrize("size", [1, 2, 7, 50])
@pytest.mark.parametrize("path", ["/v1/Users", "/v1/Conversations"])
def test_rows_may_shift_to_the_end_and_none_is_lost(path: str, size: int) -> None:
    api = SimulatedApi(SHAPE)
    right = _listed(api, f"{path}?PageSize=50")
    api.faults(shift_row_share=0.5)

    wrong = _listed(api, f"{path}?PageSize={size}")

    assert sorted(wrong) == right
    assert (wrong != right) == (size < 50 or len(right) > 50)


def test_a_page_may_be_its_own_next() -> None:
    api = SimulatedApi(SHAPE)
    api.faults(page_loop_share=1)

    meta = api.get("/v1/Users?PageSize=7")["meta"]

    assert meta["next_page_url"] == meta["url"]


def test_the_next_page_may_be_somewhere_else() -> None:
    api = SimulatedApi(SHAPE)
    api.faults(foreign_next_origin="http://evil.example:9")

    page = api.get("/v1/Users?PageSize=7")
    last = api.get("/v1/Services")

    assert page["meta"]["next_page_url"].startswith("http://evil.example:9/v1/Users?PageSize=7&PageToken=PT")
    assert last["meta"]["next_page_url"] is None


def test_some_users_are_listed_and_gone() -> None:
    api = SimulatedApi(WorldShape(users=400))
    api.faults(vanished_users_share=0.2)
    users = [user["sid"] for user in api.rows("/v1/Users")]

    gone = [sid for sid in users if api.ask("GET", f"/v1/Users/{sid}/Conversations").status == 404]

    assert len(users) == 400
    assert 40 < len(gone) < 130
    assert gone == [sid for sid in users if api.simulator.injector.user_vanishes(sid)]
    assert all(api.ask("GET", f"/v1/Users/{sid}").status == 404 for sid in gone)


def test_rows_may_hold_an_unknown_field() -> None:
    api = SimulatedApi(SHAPE)
    api.faults(extra_fields=True)

    assert "sim_extra_field" in api.membership()
    assert "sim_extra_field" in api.get("/v1/Users")["users"][0]


def test_the_mean_latency_is_what_was_asked_whatever_the_spread() -> None:
    injector = FaultInjector(1, Faults(latency_ms=120, latency_sigma=0.8, latency_factor=2))

    draws = [injector.service_seconds() for _ in range(20_000)]

    assert sum(draws) / len(draws) == pytest.approx(0.24, rel=0.05)
    assert min(draws) < 0.05
    assert max(draws) > 0.5


def test_latency_grows_with_the_other_requests_in_service() -> None:
    injector = FaultInjector(1, Faults(latency_ms=20, latency_added_ms=3))

    assert [injector.service_seconds(others) for others in (0, 1, 15)] == pytest.approx([0.020, 0.023, 0.065])


@pytest.mark.parametrize(("quantiles", "most"), [((40.0, 60.0, 80.0), 0.08), ((50.0,), 0.05)])
def test_latency_is_drawn_between_quantiles(quantiles: tuple[float, ...], most: float) -> None:
    injector = FaultInjector(1, Faults(latency_quantiles_ms=quantiles, latency_ms=9))

    drawn = sorted(injector.service_seconds() for _ in range(1_001))

    assert quantiles[0] / 1000 <= drawn[0] <= drawn[-1] <= most
    assert drawn[500] == pytest.approx(quantiles[len(quantiles) // 2] / 1000, rel=0.2)
