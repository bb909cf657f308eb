"""apply, resume, status, verify and undo as they are typed, and what a scheduler reads."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from readstate.changes.plans.reader import Plan
from readstate.errors import BadInput, ConsentMissing
from readstate.simulator.faults.faults import Faults
from readstate.simulator.seed.world_shape import WorldShape
from readstate.simulator.server.server import RunningSimulator, running
from readstate.simulator.world.world import World
from readstate_jobs.applying.apply_options import ApplyArguments, parse_share
from readstate_jobs.applying.consent import require_consent
from tests.helpers.bulk_changes import assert_agreement, consent, mixed_lines, unwatched
from tests.helpers.cli_shell import Shell

HASTE = ("--settle", "0.05,0.1", "--canary", "3")


@pytest.fixture
def twilio() -> Iterator[RunningSimulator]:
    with unwatched(users=120, services=2) as simulator:
        yield simulator


@pytest.fixture
def plan(shell: Shell) -> Plan:
    return shell.plan(mixed_lines(shell.twilio, updates=12, removals=4))


def apply(shell: Shell, plan: Plan, *more: str) -> Any:
    return shell.call("apply", str(plan.directory), "--json", *consent(plan), *HASTE, *more)


class TestConsent:
    def test_without_a_terminal_missing_consent_is_an_exit_code_and_the_plan_is_still_shown(
        self, shell: Shell, plan: Plan
    ) -> None:
        told = shell.call("apply", str(plan.directory), "--allow-user-wipeout")

        assert told.code == 16
        assert "- delete" in told.stdout
        assert "--confirm-deletes 4" in told.stderr
        assert shell.twilio.effects() == []
        assert shell.run_dirs() == []

    def test_every_guard_is_told_at_once_and_a_limit_is_not_a_matter_of_consent(self, shell: Shell, plan: Plan) -> None:
        told = shell.call("apply", str(plan.directory), "--json", "--max-deletes", "1", "--max-rows", "2")

        refused = {guard["name"]: guard["needs"] for guard in told.document["guards"] if not guard["passed"]}
        assert told.code == told.document["exit_code"] == 11
        assert refused | {"user-wipeout": None} == {
            "confirm-deletes": "--confirm-deletes 4", "max-deletes": "--max-deletes 4", "max-rows": "--max-rows 16",
            "user-wipeout": None,
        }  # fmt: skip
        assert told.document["run_id"] is None

    def test_consent_to_another_number_is_no_consent(self, shell: Shell, plan: Plan) -> None:
        told = shell.call("apply", str(plan.directory), "--confirm-deletes", "5", "--allow-user-wipeout")

        assert told.code == 11
        assert "5 were confirmed" in told.stderr

    def test_a_person_at_a_terminal_has_to_type_the_words(
        self, shell: Shell, plan: Plan, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given = ApplyArguments({"allow_user_wipeout": True, "max_deletes_per_conversation": 100}, {})
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
        answers = iter(["yes", "delete 5", "delete 4"])
        monkeypatch.setattr("click.prompt", lambda *_, **__: next(answers))

        for _ in range(2):
            with pytest.raises(ConsentMissing):
                require_consent(plan, given, {}, again="readstate apply p", as_json=True)
        confirmed = require_consent(plan, given, {}, again="readstate apply p", as_json=True)

        assert confirmed.consent["confirm_deletes"] == 4

    def test_what_a_person_typed_is_in_the_audit_and_need_not_be_typed_again(
        self, shell: Shell, plan: Plan, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        others = [word for word in consent(plan) if word != "--confirm-deletes"][1:]
        monkeypatch.setattr("readstate_jobs.applying.consent.confirm_removals", lambda plan: True)
        told = shell.call("apply", str(plan.directory), "--json", *others, *HASTE, "--canary-pause")
        monkeypatch.undo()
        again = shell.call("resume", told.document["run_id"], "--json")

        audit = (Path(told.document["run_dir"]) / "audit.jsonl").read_text().splitlines()
        assert told.code == again.code == 16, "both stop after a canary, not for consent to removals"
        assert again.document["counts"]["applied"] == 15
        assert json.loads(audit[0])["consent"]["confirm_deletes"] == 4


class TestCanaryPause:
    def test_without_a_terminal_the_run_stops_resumably_and_only_a_person_goes_on(
        self, shell: Shell, plan: Plan
    ) -> None:
        told = apply(shell, plan, "--canary-pause")
        retried = apply(shell, plan, "--go-on")
        by_hand = [shell.call("resume", told.document["run_id"], "--json") for _ in range(2)]

        assert told.code == told.document["exit_code"] == 16
        assert told.document["counts"]["applied"] == 3
        assert told.document["next"] == f"readstate resume {told.document['run_id']}"
        assert told.document["resumable"] is True
        assert retried.code == 16
        assert told.document["next"] in retried.stderr
        assert [again.code for again in by_hand] == [16, 0]  # the removals have a canary of their own
        assert [again.document["counts"]["applied"] for again in by_hand] == [15, 16]

    def test_a_pause_after_no_canary_is_a_slip(self, shell: Shell, plan: Plan) -> None:
        told = shell.call("apply", str(plan.directory), *consent(plan), "--canary-pause", "--canary", "0")

        assert told.code == 10
        assert shell.twilio.effects() == []


class TestPlans:
    def test_a_changes_file_is_answered_with_the_command_that_comes_first(self, shell: Shell, plan: Plan) -> None:
        told = shell.call("apply", str(shell.folder / "changes.csv"))

        assert told.code == 10
        assert "a plan comes first" in told.stderr
        assert f"readstate plan {shell.folder / 'changes.csv'}" in told.stderr
        assert "--op update" in told.stderr

    def test_a_plan_that_was_changed_is_refused(self, shell: Shell, plan: Plan) -> None:
        manifest = plan.directory / "manifest.json"
        manifest.write_text(manifest.read_text().replace('"rows": 16', '"rows": 15'))

        assert apply(shell, plan).code == 12

    def test_a_plan_for_another_place_is_refused(self, shell: Shell, plan: Plan) -> None:
        with running(World(WorldShape(users=20, services=1))) as elsewhere:
            told = shell.call("apply", str(plan.directory), *consent(plan), *HASTE, "--base-url", elsewhere.base_url)

            assert told.code == 12
            assert elsewhere.effects() == []

    def test_a_plan_that_has_expired_by_the_servers_clock_is_refused(self, shell: Shell, plan: Plan) -> None:
        shell.twilio.faults = Faults(clock_skew_seconds=5 * 3600)

        told = apply(shell, plan)

        assert told.code == 12
        assert "expired" in told.stderr

    def test_a_plan_is_carried_out_once(self, shell: Shell, plan: Plan) -> None:
        first = apply(shell, plan).document

        told = apply(shell, plan)

        assert told.code == 12
        assert f"readstate resume {first['run_id']}" in told.stderr

    def test_with_go_on_the_same_line_begins_a_plan_and_goes_on_with_it(self, shell: Shell, plan: Plan) -> None:
        first = apply(shell, plan, "--go-on")
        effects = shell.twilio.effects()

        again = apply(shell, plan, "--go-on")

        assert (first.code, again.code) == (0, 0)
        assert again.document["run_id"] == first.document["run_id"]
        assert again.document["counts"] == first.document["counts"]
        assert shell.twilio.effects() == effects

    def test_a_plan_is_found_by_its_id(self, shell: Shell, plan: Plan) -> None:
        told = shell.call(
            "apply", plan.manifest.plan_id, "-o", str(plan.directory.parent), "--json", *consent(plan), *HASTE
        )

        assert told.code == 0


class TestRuns:
    def test_a_run_ends_with_one_document_and_agrees_with_the_effects(self, shell: Shell, plan: Plan) -> None:
        told = apply(shell, plan, "--verify", "all", "--excel")

        document = told.document
        assert told.code == 0
        assert document["counts"] == {
            "applied": 16, "converged": 0, "drifted": 0, "superseded": 0, "rejected": 0, "not_found": 0,
            "mismatch": 0, "unknown": 0, "cancelled": 0,
        }  # fmt: skip
        assert (document["exit_code"], document["resumable"], document["next"]) == (0, False, None)
        assert Path(document["run_dir"]).name == document["run_id"]
        shell.call("resume", document["run_id"])
        assert_agreement(plan, Path(document["run_dir"]), shell.twilio.effects())

    def test_drift_is_told_with_the_file_to_plan_again(self, shell: Shell) -> None:
        lines = mixed_lines(shell.twilio, updates=4, removals=0)
        plan = shell.plan(lines, "--mode", "exact")
        row = next(row for row in plan.rows() if row.set_index is not None)
        service = shell.twilio.world.default_service
        other = shell.plan([{"user": row.user_sid, "conversation": row.conversation_sid, "op": "update",
                             "last_read_message_index": row.set_index + 1}])  # fmt: skip
        assert service.sid == other.manifest.service_sid
        assert apply(shell, other).code == 0

        told = shell.call("apply", str(plan.directory), *HASTE)

        assert told.code == 4
        assert "drifted.csv" in told.stdout
        assert "readstate plan" in told.stdout

    def test_without_json_a_table_tells_the_outcomes(self, shell: Shell, plan: Plan) -> None:
        told = shell.call("apply", str(plan.directory), *consent(plan), *HASTE)

        assert "changed as planned" in told.stdout
        assert "results.csv" in told.stdout

    def test_a_suspended_account_ends_before_anything_begins(self, shell: Shell, plan: Plan) -> None:
        shell.twilio.faults = Faults(suspended=True)

        told = apply(shell, plan)

        assert told.code == 14
        assert shell.run_dirs() == []

    def test_the_run_of_a_failed_row_is_resumed_and_its_file_is_kept(self, shell: Shell) -> None:
        plan = shell.plan(mixed_lines(shell.twilio, updates=6, removals=0))
        shell.twilio.faults = Faults(conflict_share=1.0)

        told = apply(shell, plan, "--canary", "0")

        assert told.code == 3
        assert told.document["next"] == f"readstate resume {told.document['run_id']}"
        failed = (Path(told.document["run_dir"]) / "failed.csv").read_text().splitlines()
        assert len(failed) == 7
        shell.twilio.faults = Faults()
        assert shell.call("resume", "last").code == 0

    def test_a_stop_file_has_to_go_before_the_run_goes_on(self, shell: Shell, plan: Plan) -> None:
        run_dir = Path(apply(shell, plan).document["run_dir"])
        (run_dir / "STOP").touch()

        told = shell.call("resume", str(run_dir))

        assert told.code == 15
        assert f"rm {run_dir / 'STOP'}" in told.stderr

    def test_status_works_on_a_finished_run_for_people_and_for_machines(self, shell: Shell, plan: Plan) -> None:
        run_id = apply(shell, plan).document["run_id"]

        assert f"{run_id}  finished" in shell.call("status", run_id).stdout
        document = shell.call("status", "last", "--json").document
        assert (document["state"], document["in_doubt"], document["counts"]["applied"]) == ("finished", 0, 16)
        assert shell.call("status", run_id, "--exit-code").code == 0
        assert shell.call("status", "r-nowhere").code == 10

    def test_a_lost_plan_is_told(self, shell: Shell, plan: Plan) -> None:
        apply(shell, plan)
        shutil.rmtree(plan.directory)

        assert shell.call("resume", "last").code == 10


class TestLooking:
    def test_verify_and_undo_tell_people_and_machines(self, shell: Shell, plan: Plan) -> None:
        apply(shell, plan)
        plans = str(shell.folder / "plans")

        assert shell.call("verify", "last", "--json").document["counts"] == {"at_target": 16}
        assert "at target" in shell.call("verify", "last", "--sample", "50%").stdout
        undo = shell.call("undo", "last", "-o", plans, "--json").document
        assert undo["counts"]["update"] == 12
        assert undo["counts"]["blocked"] == 4
        assert Path(undo["plan_dir"], "summary.html").is_file()
        assert "readstate apply" in shell.call("undo", "last", "-o", plans, "--first-set-to", "0").stdout

    def test_verify_names_rows_that_are_no_longer_so(self, shell: Shell, plan: Plan) -> None:
        run_id = apply(shell, plan).document["run_id"]
        undo = shell.call("undo", "last", "-o", str(shell.folder / "plans"), "--json").document
        assert shell.call("apply", undo["plan_dir"], *HASTE).code == 0

        told = shell.call("verify", run_id)

        assert told.code == 3
        assert "at before" in told.stdout


@pytest.mark.parametrize(
    "flags",
    [
        ("--verify", "some"), ("--max-errors", "many"), ("--settle", "soon"), ("--grace", "x"),
        ("--breaker", "5"),
        ("--max-drift", "200%"),
    ],
)  # fmt: skip
def test_options_that_mean_nothing_are_refused_before_anything_happens(
    shell: Shell, plan: Plan, flags: tuple[str, str]
) -> None:
    assert shell.call("apply", str(plan.directory), *consent(plan), *flags).code == 10
    assert shell.run_dirs() == []


def test_shares_are_percentages_or_words() -> None:
    assert [parse_share(text, "--verify") for text in ("all", "none", "5%")] == [1.0, 0.0, 0.05]
    with pytest.raises(BadInput, match="--sample 5"):
        parse_share("5", "--sample")


def test_the_audit_holds_the_consent_and_no_secret(shell: Shell, plan: Plan) -> None:
    run_dir = Path(apply(shell, plan).document["run_dir"])

    text = (run_dir / "audit.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines[0]["consent"]["confirm_deletes"] == 4
    assert [line["kind"] for line in lines][1:4] == ["started", "began", "stage_passed"]
    everything = text.encode() + (run_dir / "journal.sqlite").read_bytes() + (run_dir / "results.csv").read_bytes()
    assert shell.twilio.credentials.auth_token.encode() not in everything
