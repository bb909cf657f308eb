import json
from pathlib import Path

import pytest

from readstate.changes.plans.reader import Plan
from readstate.errors import ConsentMissing
from readstate_jobs.applying.apply_options import ApplyArguments
from readstate_jobs.applying.consent import require_consent
from tests.helpers.apply_commands import HASTE
from tests.helpers.bulk_changes import consent
from tests.helpers.cli_shell import Shell
from tests.helpers.plans import removal_row, written_plan


def test_without_a_terminal_missing_consent_is_an_exit_code_and_the_plan_is_still_shown(
    shell: Shell, plan: Plan
) -> None:
    output = shell.call("apply", str(plan.directory), "--allow-user-wipeout")

    assert output.code == 16
    assert "- delete" in output.stdout
    assert "--confirm-deletes 4" in output.stderr
    assert shell.twilio.effects() == []
    assert shell.run_dirs() == []


def test_every_guard_is_told_at_once_and_a_limit_is_not_a_matter_of_consent(shell: Shell, plan: Plan) -> None:
    output = shell.call("apply", str(plan.directory), "--json", "--max-deletes", "1", "--max-rows", "2")

    refused = {guard["name"]: guard["needs"] for guard in output.document["guards"] if not guard["passed"]}
    assert output.code == output.document["exit_code"] == 11
    assert refused | {"user-wipeout": None} == {
        "confirm-deletes": "--confirm-deletes 4", "max-deletes": "--max-deletes 4", "max-rows": "--max-rows 16",
        "user-wipeout": None,
    }  # fmt: skip
    assert output.document["run_id"] is None


def test_consent_to_another_number_is_no_consent(shell: Shell, plan: Plan) -> None:
    output = shell.call("apply", str(plan.directory), "--confirm-deletes", "5", "--allow-user-wipeout")

    assert output.code == 11
    assert "5 were confirmed" in output.stderr


def test_a_person_at_a_terminal_has_to_type_the_words(
    shell: Shell, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ApplyArguments({"allow_user_wipeout": True, "max_deletes_per_conversation": 100}, {})
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    answers = iter(["yes", "delete 5", "delete 4"])
    monkeypatch.setattr("click.prompt", lambda *_, **__: next(answers))

    for _ in range(2):
        with pytest.raises(ConsentMissing):
            require_consent(plan, arguments, {}, again="readstate apply p", as_json=True)
    confirmed = require_consent(plan, arguments, {}, again="readstate apply p", as_json=True)

    assert confirmed.consent["confirm_deletes"] == 4


def test_what_a_person_typed_is_in_the_audit_and_need_not_be_typed_again(
    shell: Shell, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [word for word in consent(plan) if word != "--confirm-deletes"][1:]
    monkeypatch.setattr("readstate_jobs.applying.consent.confirm_removals", lambda plan: True)
    output = shell.call("apply", str(plan.directory), "--json", *others, *HASTE, "--canary-pause")
    monkeypatch.undo()
    again = shell.call("resume", output.document["run_id"], "--json")

    audit = (Path(output.document["run_dir"]) / "audit.jsonl").read_text().splitlines()
    assert output.code == again.code == 16, "both stop after a canary, not for consent to removals"
    assert again.document["counts"]["applied"] == 15
    assert json.loads(audit[0])["consent"]["confirm_deletes"] == 4


def test_a_plan_that_is_swapped_while_a_person_types_is_not_carried_out(
    shell: Shell, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [word for word in consent(plan) if word != "--confirm-deletes"][1:]
    planned = (plan.directory / "rows.parquet").read_bytes()
    swapped = written_plan(shell.folder / "other", *map(removal_row, range(4)))

    def swap(_: Plan) -> bool:
        (plan.directory / "rows.parquet").write_bytes((swapped.directory / "rows.parquet").read_bytes())
        return True

    monkeypatch.setattr("readstate_jobs.applying.consent.confirm_removals", swap)
    refused = shell.call("apply", str(plan.directory), *others, *HASTE)
    monkeypatch.undo()
    (run_dir,) = shell.run_dirs()
    status = shell.call("status", run_dir.name, "--json")
    (plan.directory / "rows.parquet").write_bytes(planned)
    resumed = shell.call("resume", run_dir.name, "--json")

    assert refused.code == 12
    assert "rows.parquet does not hold the rows that were planned" in refused.stderr
    assert (status.document["state"], status.document["counts"]["cancelled"]) == ("stopped", 16)
    assert resumed.document["counts"]["applied"] == 16
