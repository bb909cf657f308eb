import re

from readstate.model.change import Disposition, Reason
from tests.helpers.repository import PIPELINE

PAGE = (PIPELINE / "changes" / "README.md").read_text(encoding="utf-8")


def test_a_reason_is_found_by_its_code_and_knows_its_disposition() -> None:
    assert all(Reason[reason.value] is reason for reason in Reason)
    assert Reason.REWIND == "REWIND"
    assert Reason.REWIND.disposition is Disposition.BLOCKED
    assert all(reason.words for reason in Reason)


def test_the_page_lists_each_reason_of_a_plan_beside_its_disposition() -> None:
    listed = {
        (reason, disposition)
        for disposition, reasons in re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE)
        for reason in re.findall(r"`([A-Z_]{4,})`", reasons)
    }

    of_an_undo = {Reason.CHANGED_SINCE, Reason.NO_UNDO}
    assert listed == {(reason.value, reason.disposition.value) for reason in Reason if reason not in of_an_undo}
