"""approve, and apply where approval is required, as they are typed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from readstate.changes.plans.reader import Plan
from readstate.simulator.server.server import RunningSimulator
from tests.helpers.bulk import Shell, consent, mixed_lines, unwatched

HASTE = ("--settle", "0.05,0.1", "--canary", "3")


@pytest.fixture(scope="module")
def twilio() -> Iterator[RunningSimulator]:
    with unwatched(users=60, services=1) as simulator:
        yield simulator


def changed(shell: Shell, *, removals: int = 0) -> Plan:
    return shell.plan(mixed_lines(shell.twilio, updates=4, removals=removals))


def become(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Sit down as somebody else."""
    monkeypatch.setattr("readstate_jobs.planning.approve_job.os_user", lambda: name)


def test_a_plan_that_nobody_approved_is_refused_where_that_is_required(shell: Shell) -> None:
    plan, before = changed(shell), len(shell.twilio.effects())

    told = shell.call("apply", str(plan.directory), "--require-approval", *HASTE)

    assert told.code == 16
    assert "nobody has approved it" in told.stdout
    assert f"Somebody else has to type:  readstate approve {plan.directory}" in told.stderr
    assert f"Then:  readstate apply {plan.directory}" in told.stderr
    assert (len(shell.twilio.effects()), shell.run_dirs()) == (before, [])


def test_its_author_alone_cannot_approve_a_plan(shell: Shell) -> None:
    plan = changed(shell)
    approved = shell.call("approve", str(plan.directory))

    told = shell.call("apply", str(plan.directory), "--require-approval", "--json", *HASTE)

    assert approved.code == 0
    assert "You made this plan yourself" in approved.stderr
    assert told.code == told.document["exit_code"] == 16
    (refused,) = (guard for guard in told.document["guards"] if not guard["passed"])
    assert (refused["name"], refused["kind"]) == ("approval", "approval")
    assert "only" in refused["message"]


def test_a_second_person_lets_it_pass_and_the_audit_names_them(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = changed(shell)
    become(monkeypatch, "bob")
    approved = shell.call(
        "approve", plan.manifest.plan_id, "-o", str(plan.directory.parent), "--reason", "CHG-7", "--json"
    )

    told = shell.call("apply", str(plan.directory), "--require-approval", "--json", *HASTE)

    assert approved.document["by_another"] is True
    assert approved.document["plan_sha256"] == plan.manifest.plan_sha256
    assert told.code == 0
    lines = (Path(told.document["run_dir"]) / "audit.jsonl").read_text().splitlines()
    (started,) = (event for event in map(json.loads, lines) if event["kind"] == "started")
    assert [(approval["os_user"], approval["reason"]) for approval in started["approvals"]] == [("bob", "CHG-7")]


def test_missing_approval_is_told_together_with_the_other_guards(shell: Shell) -> None:
    plan = changed(shell, removals=2)

    told = shell.call("apply", str(plan.directory), "--require-approval", "--allow-user-wipeout")
    over_a_limit = shell.call("apply", str(plan.directory), "--require-approval", "--max-rows", "1")
    only_approval = shell.call("apply", str(plan.directory), "--require-approval", *consent(plan))

    assert (told.code, over_a_limit.code, only_approval.code) == (16, 11, 16)
    assert "--confirm-deletes 2" in told.stderr
    assert "nobody has approved it" in told.stderr


def test_the_setting_demands_it_of_apply_and_of_resume(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = changed(shell)
    free = shell.call("apply", str(plan.directory), "--json", *HASTE)
    shell.settings["READSTATE_REQUIRE_APPROVAL"] = "true"

    refused = shell.call("resume", free.document["run_id"], "--json")
    become(monkeypatch, "bob")
    shell.call("approve", str(plan.directory))
    passed = shell.call("resume", free.document["run_id"], "--json")

    assert (free.code, refused.code, passed.code) == (0, 16, 0)


def test_what_was_approved_is_shown_in_every_form(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = changed(shell)
    become(monkeypatch, "<bob>")
    approved = shell.call("approve", str(plan.directory), "--reason", "a\x1b[2Jb")

    text, page, note, machine = (
        shell.call("show", str(plan.directory), "--format", form) for form in ("text", "html", "md", "json")
    )

    assert plan.manifest.plan_id in approved.stdout
    assert "by <bob> on" in text.stdout
    assert "by &lt;bob&gt; on" in page.stdout
    assert "**Approved:**" in note.stdout
    assert machine.document["approvals"][0]["os_user"] == "<bob>"
    assert "\x1b" not in approved.stdout + text.stdout + page.stdout + note.stdout


def test_a_plan_that_has_expired_cannot_be_approved(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    from readstate.clock import SystemClock

    plan = changed(shell)
    monkeypatch.setattr(SystemClock, "now", lambda _: plan.manifest.expires_at + timedelta(seconds=1))

    told = shell.call("approve", str(plan.directory))

    assert told.code == 12
    assert not (plan.directory / "approvals").exists()
