"""Requests: no input can bend a path, and a write names one user's conversation by SIDs."""

import re
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from readstate.errors import BadInput
from readstate.twilio.http import request as requests
from readstate.twilio.http.request import Request, assert_writable, segment

SERVICE, USER, CONVERSATION = "IS" + "0" * 32, "US" + "a" * 32, "CH" + "B" * 32
names = st.text(min_size=1, max_size=60)


class TestSegment:
    @given(names)
    def test_what_is_accepted_reaches_exactly_its_resource(self, name: str) -> None:
        try:
            encoded = segment(name)
        except BadInput:
            return

        assert unquote(encoded) == name
        assert re.fullmatch(r"[A-Za-z0-9_.~%-]+", encoded)
        assert encoded not in {".", ".."}
        prepared = URL(f"https://a.example/v1/Users/{encoded}", encoded=True)
        assert prepared.raw_path_qs == f"/v1/Users/{encoded}"

    @pytest.mark.parametrize("name", ["", ".", "..", "a\nb", "a\x00", "\x7f", "\t", "\ud800"])
    def test_what_no_encoding_can_protect_is_refused_with_a_way_out(self, name: str) -> None:
        with pytest.raises(BadInput) as refused:
            segment(name)
        assert "SID" in (refused.value.hint or "")


class TestReads:
    @pytest.mark.parametrize(
        ("request_", "target"),
        [
            (requests.list_services(), "/v1/Services?PageSize=50"),
            (requests.fetch_configuration(), "/v1/Configuration"),
            (requests.list_users(None), "/v1/Users?PageSize=50"),
            (requests.list_users(SERVICE, 7), f"/v1/Services/{SERVICE}/Users?PageSize=7"),
            (requests.fetch_user(None, "a/b"), "/v1/Users/a%2Fb"),
            (requests.list_user_conversations(None, "ä"), "/v1/Users/%C3%A4/Conversations?PageSize=50"),
            (
                requests.fetch_user_conversation(SERVICE, USER, "team #1"),
                f"/v1/Services/{SERVICE}/Users/{USER}/Conversations/team%20%231",
            ),
            (requests.fetch_conversation(None, "a?b"), "/v1/Conversations/a%3Fb"),
            (
                requests.fetch_participant(None, CONVERSATION, "a+b"),
                f"/v1/Conversations/{CONVERSATION}/Participants/a%2Bb",
            ),
            (
                requests.list_participants(None, CONVERSATION),
                f"/v1/Conversations/{CONVERSATION}/Participants?PageSize=100",
            ),
            (
                requests.newest_message(SERVICE, CONVERSATION),
                f"/v1/Services/{SERVICE}/Conversations/{CONVERSATION}/Messages?Order=desc&PageSize=1",
            ),
        ],
    )
    def test_a_read_is_a_get_without_a_form_and_spends_no_write_allowance(self, request_: Request, target: str) -> None:
        assert (request_.method, request_.target, request_.form, request_.domain) == ("GET", target, (), None)

    @pytest.mark.parametrize(
        "service", ["", "default", "..", SERVICE + "0", "US" + "0" * 32, SERVICE + "\n", "IS/../.."]
    )
    def test_a_service_is_a_sid_or_nothing(self, service: str) -> None:
        with pytest.raises(BadInput, match="not a service SID"):
            requests.list_users(service)


class TestOrder:
    def test_a_page_that_further_requests_depend_on_is_urgent(self) -> None:
        first = requests.list_user_conversations(SERVICE, USER)
        next_page = Request("GET", first.path, (*first.query, ("PageToken", "PT1")))

        assert requests.list_users(SERVICE).is_urgent
        assert requests.list_users(None).is_urgent
        assert next_page.is_urgent
        assert not first.is_urgent
        assert not requests.fetch_user(SERVICE, USER).is_urgent


class TestAsJson:
    def test_a_cursor_holds_what_the_server_sees_and_nothing_else(self) -> None:
        following = Request("GET", "/v1/Users", (("PageToken", "PT1"),))

        encoded = msgspec.json.encode(following)

        assert msgspec.json.decode(encoded) == {"method": "GET", "path": "/v1/Users", "query": [["PageToken", "PT1"]]}
        assert msgspec.json.decode(encoded, type=Request) == following

    def test_a_cursor_of_an_earlier_version_is_still_read(self) -> None:
        earlier = (
            b'{"method":"GET","path":"/v1/Users","query":[["PageToken","PT1"]],"form":[],'
            b'"domain":null,"leave_by":null,"is_urgent":true}'
        )

        assert msgspec.json.decode(earlier, type=Request) == Request("GET", "/v1/Users", (("PageToken", "PT1"),))


class TestWrites:
    @pytest.mark.parametrize(
        ("service", "path", "domain"),
        [
            (None, f"/v1/Users/{USER}/Conversations/{CONVERSATION}", "writes:default"),
            (SERVICE, f"/v1/Services/{SERVICE}/Users/{USER}/Conversations/{CONVERSATION}", f"writes:{SERVICE}"),
        ],
    )
    def test_a_write_names_its_path_and_whose_allowance_it_spends(
        self, service: str | None, path: str, domain: str
    ) -> None:
        delete = requests.delete_user_conversation(service, USER, CONVERSATION)
        update = requests.update_user_conversation(service, USER, CONVERSATION, notification_level="muted")

        assert delete == Request("DELETE", path)
        assert update == Request("POST", path, form=(("NotificationLevel", "muted"),))
        assert delete.domain == update.domain == domain

    def test_only_the_fields_that_are_given_are_sent(self) -> None:
        update = requests.update_user_conversation(
            None, USER, CONVERSATION, last_read_message_index=0, last_read_timestamp="2026-11-23T00:00:00Z"
        )

        assert update.form == (("LastReadMessageIndex", "0"), ("LastReadTimestamp", "2026-11-23T00:00:00Z"))

    def test_an_update_of_nothing_is_refused(self) -> None:
        with pytest.raises(BadInput, match="nothing to set"):
            requests.update_user_conversation(None, USER, CONVERSATION)

    @given(names, st.sampled_from(["user", "conversation", "service"]))
    def test_nothing_but_sids_can_be_changed(self, name: str, place: str) -> None:
        ids = {"service": SERVICE, "user": USER, "conversation": CONVERSATION} | {place: name}

        with pytest.raises(BadInput):
            requests.delete_user_conversation(ids["service"], ids["user"], ids["conversation"])

    @pytest.mark.parametrize(
        "user",
        ["..", "alice", USER[:-1], USER + "0", USER + "\n", " " + USER, CONVERSATION, USER.lower(), USER[:-1] + "g"],
    )
    def test_what_is_nearly_a_sid_cannot_be_changed(self, user: str) -> None:
        with pytest.raises(BadInput, match="not a SID"):
            requests.update_user_conversation(None, user, CONVERSATION, notification_level="muted")
        with pytest.raises(BadInput, match="not a SID"):
            requests.delete_user_conversation(None, USER, user.replace("CH", "US"))


class TestAssertWritable:
    @given(names)
    def test_a_read_may_go_anywhere(self, path: str) -> None:
        assert_writable("GET", path)

    @given(st.sampled_from(["POST", "DELETE", "PUT", "PATCH"]), st.text())
    def test_a_write_with_anything_before_or_after_its_path_is_refused(self, method: str, extra: str) -> None:
        path = f"/v1/Users/{USER}/Conversations/{CONVERSATION}"
        assert_writable(method, path)
        if extra:
            for bent in (path + extra, extra + path):
                with pytest.raises(BadInput, match="refusing to send"):
                    assert_writable(method, bent)

    def test_every_write_that_can_be_built_passes(self) -> None:
        for service in (None, SERVICE):
            request = requests.delete_user_conversation(service, USER, CONVERSATION)
            assert_writable(request.method, request.target)
