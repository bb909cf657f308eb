"""Plans, their runs, undo and forget on a failing disk: what each is tried with, and what must hold afterwards."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from readstate.changes.plans.reader import Plan, open_plan
from readstate.errors import ReadstateError
from readstate.model.plan import PlanRow
from tests.helpers.bulk_changes import assert_one_clean_run, consent, mixed_lines, wanted_state
from tests.helpers.planning import csv_of
from tests.soak.disk_place import CARE, Place, TriedCommand, nothing


def _make_plan(place: Place) -> None:
    _write_changes(place)
    output = place.succeed(*_plan(place), "--json")
    place.facts["plan"] = output.document["plan_dir"]


def _write_changes(place: Place) -> None:
    lines = mixed_lines(place.twilio, updates=30, removals=8)
    (place.folder / "changes.csv").write_bytes(csv_of(*lines).encode())


def _plan(place: Place) -> list[str]:
    return ["plan", place.path("changes.csv"), "-o", place.path("plans")]


def _opened(place: Place) -> Plan:
    return open_plan(Path(place.facts["plan"]))


def _apply(place: Place) -> list[str]:
    place.facts.setdefault("wanted", wanted_state(place.twilio, _opened(place)))
    return ["apply", place.facts["plan"], *consent(_opened(place)), *CARE]


def _apply_all(place: Place) -> None:
    _make_plan(place)
    place.succeed(*_apply(place))


def _resume(place: Place) -> list[str]:
    return ["resume", place.facts["run"], *CARE]


def _kill_apply(place: Place) -> None:
    place.kill(_apply(place), "create", "work/runs/*/journal.sqlite-journal", 9)
    place.facts["run"] = _only_run(place).name


def _only_run(place: Place) -> Path:
    found = [path for path in sorted((place.folder / "work" / "runs").iterdir()) if (path / "journal.sqlite").exists()]
    assert len(found) == 1, f"{len(found)} runs of one plan: {found}"
    return found[0]


def _was_applied_once(place: Place) -> None:
    assert_one_clean_run(place.twilio, _opened(place), place.facts["wanted"], _only_run(place))


def _never_twice(place: Place) -> None:
    members = [effect.participant_sid for effect in place.twilio.effects()]
    assert len(members) == len(set(members)), "a write was sent twice"


def _plans_are_equal(folder: str) -> Callable[[Place], None]:
    def check(place: Place) -> None:
        plans = _usable(place, folder)
        assert plans, "it said that it was done, and there is no plan"
        rows = [sorted(map(_asked_for, plan.rows())) for plan in plans]
        wanted = place.undisturbed.setdefault("rows", rows[0])
        assert all(each == wanted for each in rows), "a plan differs from the undisturbed one"

    return check


def _asked_for(row: PlanRow) -> tuple[Any, ...]:
    return row.input_line, row.disposition, row.user_sid, row.conversation_sid, str(row.set_index), str(row.set_level)


def _usable(place: Place, folder: str) -> list[Plan]:
    plans = []
    for path in sorted((place.folder / folder).glob("*/")):
        try:
            plans.append(open_plan(path))
        except ReadstateError:  # half made, and told as such by every command
            continue
    return plans


def _undo(place: Place) -> list[str]:
    return ["undo", place.facts["run"], "-o", place.path("undone")]


def _apply_and_remember(place: Place) -> None:
    _apply_all(place)
    place.facts["run"] = _only_run(place).name


def _forget(place: Place) -> list[str]:
    return ["forget", place.facts["plan"], "--yes", "--plans", place.path("plans")]


def _is_forgotten(place: Place) -> None:
    secret = next(row.user_sid for row in place.facts["rows_before"])
    for path in (*(place.folder / "plans").rglob("*"), *(place.folder / "work").rglob("*")):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), f"{path} still names a user"
    left = [path.name for path in (place.folder / "plans").rglob("rows*")]
    left += [path.name for path in (place.folder / "work").rglob("*") if path.suffix in {".csv", ".parquet", ".sqlite"}]
    assert not left, f"still there: {left}"


def _apply_to_forget(place: Place) -> None:
    _apply_all(place)
    place.facts["rows_before"] = list(_opened(place).rows())


def _reading(*words: str) -> TriedCommand:
    """Return a command that changes nothing, on a plan and its run."""
    return TriedCommand(
        words[0],
        lambda place: [word.format(plan=place.facts["plan"], folder=place.folder) for word in words],
        nothing,
        prepare=_apply_all,
    )


CHANGE_COMMANDS = (
    TriedCommand("plan", _plan, _plans_are_equal("plans"), prepare=_write_changes),
    TriedCommand("apply", _apply, _was_applied_once, _never_twice, prepare=_make_plan, changes_world=True),
    TriedCommand(
        "resume", _resume, _was_applied_once, _never_twice, prepare=_make_plan, lead=_kill_apply, changes_world=True
    ),
    TriedCommand("undo", _undo, _plans_are_equal("undone"), prepare=_apply_and_remember),
    TriedCommand("forget", _forget, _is_forgotten, prepare=_apply_to_forget),
    _reading("lint", "{folder}/changes.csv"),
    _reading("show", "{plan}"),
    _reading("status", "last"),
    _reading("verify", "last"),
)  # fmt: skip
