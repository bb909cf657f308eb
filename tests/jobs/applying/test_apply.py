import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from readstate.changes.plans.reader import Plan
from readstate.changes.runs.lock import target_lock
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import running
from readstate.simulator.world.world import World
from tests.helpers.apply_commands import HASTE, apply
from tests.helpers.bulk_changes import assert_agreement, consent, mixed_lines
from tests.helpers.cli_shell import Shell


def test_without_a_terminal_the_run_stops_resumably_and_only_a_person_goes_on(shell: Shell, plan: Plan) -> None:
    output = apply(shell, plan, "--canary-pause")
    retried = apply(shell, plan, "--go-on")
    by_hand = [shell.call("resume", output.document["run_id"], "--json") for _ in range(2)]

    assert output.code == output.document["exit_code"] == 16
    assert output.document["counts"]["applied"] == 3
    assert output.document["next"] == f"readstate resume {output.document['run_id']}"
    assert output.document["resumable"] is True
    assert retried.code == 16
    assert output.document["next"] in retried.stderr
    assert [again.code for again in by_hand] == [16, 0]  # the removals have a canary of their own
    assert [again.document["counts"]["applied"] for again in by_hand] == [15, 16]


def test_a_plan_that_was_changed_is_refused(shell: Shell, plan: Plan) -> None:
    manifest = plan.directory / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"rows": 16', '"rows": 15'))

    assert apply(shell, plan).code == 12


def test_the_result_names_what_may_be_typed_next(shell: Shell, plan: Plan) -> None:
    output = shell.call("apply", str(plan.directory), *consent(plan), *HASTE)

    following = re.findall(r"^Next: +readstate (\w+ last) ", output.stdout, re.MULTILINE)
    assert following == ["verify last", "report last", "undo last"], output
    assert shell.call("verify", "last").code == 0


def test_a_plan_for_another_place_is_refused(shell: Shell, plan: Plan) -> None:
    with running(World(WorldShape(users=20, services=1))) as elsewhere:
        output = shell.call("apply", str(plan.directory), *consent(plan), *HASTE, "--base-url", elsewhere.base_url)

        assert output.code == 12
        assert elsewhere.effects() == []


def test_a_plan_is_carried_out_once(shell: Shell, plan: Plan) -> None:
    first = apply(shell, plan).document

    output = apply(shell, plan)

    assert output.code == 12
    assert f"readstate resume {first['run_id']}" in output.stderr


def test_a_plan_that_is_applied_from_another_work_folder_is_not_applied_here(
    shell: Shell, plan: Plan, tmp_path: Path
) -> None:
    with target_lock(tmp_path / "elsewhere", plan.manifest.target, run_id="r-1", holder={}):
        output = apply(shell, plan)

    assert output.code == 13
    assert "with another work folder" in output.stderr
    assert shell.twilio.effects() == []


def test_where_other_work_folders_cannot_be_seen_apply_says_so(
    shell: Shell, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("readstate.disk.locks.sys", SimpleNamespace(platform="darwin"))

    assert "cannot be seen: start one run at a time" in apply(shell, plan).stderr


def test_a_run_ends_with_one_document_and_agrees_with_the_effects(shell: Shell, plan: Plan) -> None:
    output = apply(shell, plan, "--verify", "all", "--excel")

    document = output.document
    assert output.code == 0
    assert document["counts"] == {
        "applied": 16, "converged": 0, "drifted": 0, "superseded": 0, "rejected": 0, "not_found": 0,
        "mismatch": 0, "unknown": 0, "cancelled": 0,
    }  # fmt: skip
    assert (document["exit_code"], document["resumable"], document["next"]) == (0, False, None)
    assert Path(document["run_dir"]).name == document["run_id"]
    shell.call("resume", document["run_id"])
    assert_agreement(plan, Path(document["run_dir"]), shell.twilio.effects())


def test_drift_is_told_with_the_file_to_plan_again(shell: Shell) -> None:
    plan = shell.plan(mixed_lines(shell.twilio, updates=4, removals=0), "--mode", "exact")
    row = next(row for row in plan.rows() if row.set_index is not None)
    other = shell.plan([{"user": row.user_sid, "conversation": row.conversation_sid, "op": "update",
                         "last_read_message_index": row.set_index + 1}])  # fmt: skip
    assert apply(shell, other).code == 0

    output = shell.call("apply", str(plan.directory), *HASTE)

    assert output.code == 4
    assert "changed as planned" in output.stdout
    assert "results.csv" in output.stdout
    assert "drifted.csv" in output.stdout
    assert "readstate plan" in output.stdout


def test_a_suspended_account_ends_before_anything_begins(shell: Shell, plan: Plan) -> None:
    shell.twilio.faults = Faults(suspended=True)

    output = apply(shell, plan)

    assert output.code == 14
    assert shell.run_dirs() == []


def test_the_audit_holds_the_consent_and_no_secret(shell: Shell, plan: Plan) -> None:
    run_dir = Path(apply(shell, plan).document["run_dir"])

    text = (run_dir / "audit.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines[0]["consent"]["confirm_deletes"] == 4
    assert [line["kind"] for line in lines][1:4] == ["started", "began", "stage_passed"]
    everything = text.encode() + (run_dir / "journal.sqlite").read_bytes() + (run_dir / "results.csv").read_bytes()
    assert shell.twilio.credentials.auth_token.encode() not in everything
