"""The Reader and the Writer: which request each method sends, and what it makes of the answers."""

import inspect
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from readstate.errors import NotFound, NotPermitted, UnusableAnswer
from readstate.twilio.client import Reader, Writer
from readstate.twilio.http import request as requests
from tests.helpers.scripted_transport import ScriptedTransport, answer, page

SERVICE, USER, CONVERSATION = "IS" + "0" * 32, "US" + "a" * 32, "CH" + "b" * 32
OTHER = "US" + "c" * 32
NEXT = "https://evil.example/v1/Users?PageSize=50&PageToken=PT{}"
GONE = answer(404, {"code": 20404, "message": "The requested resource was not found"})

Call = Callable[[Reader], Coroutine[Any, Any, Any]]


class TestReader:
    @pytest.mark.parametrize("answered", ["AC" + "1" * 32, None])
    async def test_the_account_that_was_named_has_to_answer(self, answered: str | None) -> None:
        body = answer(body={"account_sid": answered})

        assert (
            await Reader(ScriptedTransport(body), account_sid="AC" + "1" * 32).configuration()
        ).account_sid == answered
        if answered is not None:
            with pytest.raises(NotPermitted, match=f"names AC{'2' * 32}, but the API key belongs to {answered}"):
                await Reader(ScriptedTransport(body), account_sid="AC" + "2" * 32).configuration()

    @pytest.mark.parametrize(
        ("call", "request_", "body", "attribute"),
        [
            (
                lambda reader: reader.configuration(),
                requests.fetch_configuration(),
                {"default_chat_service_sid": SERVICE},
                "default_chat_service_sid",
            ),
            (lambda reader: reader.user(None, "a/b"), requests.fetch_user(None, "a/b"), {"sid": USER}, "sid"),
            (
                lambda reader: reader.user_conversation(SERVICE, USER, "team"),
                requests.fetch_user_conversation(SERVICE, USER, "team"),
                {"conversation_sid": CONVERSATION},
                "conversation_sid",
            ),
            (
                lambda reader: reader.conversation(None, "team"),
                requests.fetch_conversation(None, "team"),
                {"sid": CONVERSATION},
                "sid",
            ),
            (
                lambda reader: reader.participant(None, CONVERSATION, "alice"),
                requests.fetch_participant(None, CONVERSATION, "alice"),
                {"sid": "MB1"},
                "sid",
            ),
        ],
    )
    async def test_a_fetch_gives_its_resource(
        self, call: Call, request_: requests.Request, body: dict[str, str], attribute: str
    ) -> None:
        transport = ScriptedTransport(answer(body=body))

        result = await call(Reader(transport))

        assert transport.requests == [request_]
        assert getattr(result, attribute) == body[attribute]

    @pytest.mark.parametrize(
        ("call", "body"),
        [
            (lambda reader: reader.user(None, USER), {"sid": OTHER}),
            (lambda reader: reader.user(None, "Ann"), {"sid": USER, "identity": "ann"}),
            (lambda reader: reader.conversation(None, CONVERSATION), {"sid": "CH" + "c" * 32}),
            (lambda reader: reader.participant(None, CONVERSATION, "ann"), {"sid": "MB1", "identity": "bob"}),
        ],
    )
    async def test_an_answer_about_another_resource_is_not_believed(self, call: Call, body: dict[str, str]) -> None:
        with pytest.raises(UnusableAnswer, match="about another resource"):
            await call(Reader(ScriptedTransport(answer(body=body))))

    @pytest.mark.parametrize(
        ("asked", "body"),
        [
            (USER, {"sid": USER.replace("a", "A")}),
            (USER, {"sid": OTHER, "identity": USER}),
            ("ann", {"sid": USER, "identity": None}),
        ],
        ids=["a SID in capitals", "an identity like a SID", "no identity"],
    )
    async def test_a_user_is_known_by_any_of_its_names(self, asked: str, body: dict[str, str]) -> None:
        assert (await Reader(ScriptedTransport(answer(body=body))).user(None, asked)).sid == body["sid"]

    async def test_the_default_service_comes_from_the_configuration(self) -> None:
        transport = ScriptedTransport(answer(body={"default_chat_service_sid": SERVICE}))

        assert await Reader(transport).default_service() == SERVICE

    async def test_an_account_without_default_service_is_told_what_to_type(self) -> None:
        with pytest.raises(NotPermitted, match="--service"):
            await Reader(ScriptedTransport(answer())).default_service()

    async def test_a_list_gives_the_rows_of_all_its_pages(self) -> None:
        sids = [f"IS{number:032}" for number in range(20)]
        rows = [{"sid": sid} for sid in sids]
        transport = ScriptedTransport(page("services", rows[:15], NEXT.format(1)), page("services", rows[15:]))

        services = await Reader(transport).services()

        assert [service.sid for service in services] == sids
        assert [dict(request.query).get("PageToken") for request in transport.requests] == [None, "PT1"]

    async def test_users_come_page_by_page_with_the_request_for_the_next_ones(self) -> None:
        users = [{"sid": f"US{number:032}"} for number in range(12)]
        transport = ScriptedTransport(page("users", users, NEXT.format(1)), page("users", []))
        reader = Reader(transport, page_size=7)

        pages = [found async for found in reader.users(SERVICE)]

        assert [len(found.users) for found in pages] == [12, 0]
        assert [found.following and found.following.request for found in pages] == [transport.requests[1], None]
        assert dict(transport.requests[0].query)["PageSize"] == "7"

    async def test_a_walk_through_the_users_begins_where_an_earlier_one_stopped(self) -> None:
        first = ScriptedTransport(page("users", [], NEXT.format(1)))
        async for found in Reader(first).users(None):
            following = found.following
            break
        second = ScriptedTransport(page("users", [{"sid": USER}]), page("users", [{"sid": USER}]))

        found = [found async for found in Reader(second).users(None, start=following)]

        assert following is not None
        assert second.requests == [following.request, following.first]
        assert len(found) == 1, "the second reading brings nothing new"

    @pytest.mark.parametrize(("messages", "index"), [([], None), ([{"index": 0}], 0), ([{"index": 41}], 41)])
    async def test_the_newest_message_index(self, messages: list[dict[str, int]], index: int | None) -> None:
        transport = ScriptedTransport(page("messages", messages))

        assert await Reader(transport).newest_message_index(None, CONVERSATION) == index
        assert transport.requests == [requests.newest_message(None, CONVERSATION)]

    async def test_a_newest_message_without_index_is_not_taken_for_an_empty_conversation(self) -> None:
        with pytest.raises(UnusableAnswer, match="no index"):
            await Reader(ScriptedTransport(page("messages", [{"index": None}]))).newest_message_index(None, "CH1")

    async def test_a_refusal_is_an_error_with_its_facts(self) -> None:
        with pytest.raises(NotFound) as raised:
            await Reader(ScriptedTransport(answer(404, {"code": 20404}))).user(None, USER)

        assert (raised.value.status, raised.value.code, raised.value.request_id) == (404, 20404, "RQ" + "0" * 32)

    def test_it_has_no_method_that_writes(self) -> None:
        methods = {name for name, _ in inspect.getmembers(Reader, inspect.isfunction)}

        assert not methods & {name for name in vars(Writer) if not name.startswith("_")}
        assert {name for name in vars(Writer) if not name.startswith("_")} == {"send"}
