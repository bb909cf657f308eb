from tests.helpers.simulated_api import SimulatedApi


def test_deleting_the_newest_message_leaves_horizons_behind_it(api: SimulatedApi) -> None:
    row = api.membership()
    messages = f"{row['links']['conversation']}/Messages"
    newest = api.get(f"{messages}?Order=desc&PageSize=1")["messages"][0]
    api.ask("POST", row["url"], LastReadMessageIndex=str(newest["index"]))

    deleted = api.ask("DELETE", newest["url"])

    left = api.get(f"{messages}?Order=desc&PageSize=1")["messages"]
    assert deleted.status == 204
    assert not left or left[0]["index"] < newest["index"]
    assert api.get(row["url"])["last_read_message_index"] == newest["index"]
    assert api.ask("GET", newest["url"]).status == 404


def test_messages_come_in_the_order_that_was_asked(api: SimulatedApi) -> None:
    messages = f"{api.membership()['links']['conversation']}/Messages"

    up = [found["index"] for found in api.rows(f"{messages}?Order=ASC&PageSize=3")]
    down = [found["index"] for found in api.rows(f"{messages}?Order=Desc&PageSize=3")]

    assert up == sorted(up) == down[::-1]
    assert api.ask("GET", f"{messages}?Order=sideways").status == 400


def test_a_message_names_its_author_as_a_participant(api: SimulatedApi) -> None:
    row = api.membership()
    messages = f"{row['links']['conversation']}/Messages"
    identity = api.get(f"/v1/Users/{row['user_sid']}")["identity"]
    members = {found["identity"]: found["sid"] for found in api.rows(f"{row['links']['conversation']}/Participants")}

    seeded = api.rows(messages)
    own = api.ask("POST", messages, Author=identity, Body="mine").body
    others = [api.ask("POST", messages, **author).body for author in ({}, {"Author": "stranger"})]

    assert {found["author"]: found["participant_sid"] for found in seeded}.items() <= members.items()
    assert own["participant_sid"] == row["participant_sid"]
    assert [found["participant_sid"] for found in others] == [None, None]


def test_a_new_message_is_of_today_and_an_edited_one_says_when() -> None:
    api = SimulatedApi(now=1_700_000_000)
    messages = f"{api.membership()['links']['conversation']}/Messages"

    new = api.ask("POST", messages, Body="hello", Attributes='{"a":1}').body
    edited = api.ask("POST", new["url"], Body="goodbye").body

    assert (new["date_created"], new["date_updated"]) == ("2023-11-14T22:13:20Z", None)
    assert edited == {**new, "body": "goodbye", "date_updated": "2023-11-14T22:13:20Z"}
    assert api.get(new["url"]) == edited
    assert api.world.log.effects[-1].before == {"index": new["index"], "body": "hello"}
