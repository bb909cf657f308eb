import json

import msgspec

from readstate.changes.render.json_document import plan_document, render_json
from readstate.changes.render.summary import Summary


def test_machines_get_counts_guards_and_rows(summary: Summary) -> None:
    document = json.loads(render_json(summary))

    assert document["plan_dir"] == str(summary.plan.directory)
    assert document["plan_id"] == summary.plan.directory.name
    assert document["counts"]["update"] == 4
    assert {guard["name"]: guard["needs"] for guard in document["guards"]}["confirm-deletes"] == "--confirm-deletes 1"
    assert len(document["shown_rows"]) == 12
    assert "shown_rows" not in msgspec.to_builtins(plan_document(summary))
