from readstate.changes.selection.exclusions import Exclusions

US, CH = "US" + "a" * 32, "CH" + "b" * 32


def test_identities_become_sids_wherever_they_stand() -> None:
    excluded = Exclusions(frozenset({"ann", US}), frozenset(), frozenset({("bob", CH), ("nobody", CH)}))

    assert excluded.identities == ["ann", "bob", "nobody"]
    resolved = excluded.resolved({"ann": "US1", "bob": "US2"})
    assert resolved.users == {"US1", US}
    assert resolved.memberships == {("US2", CH), ("nobody", CH)}
