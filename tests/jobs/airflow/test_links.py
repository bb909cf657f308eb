import json
from pathlib import Path

import pytest

from readstate.simulator.server.server import RunningSimulator
from readstate_jobs.airflow.operators import MarkReadOperator
from tests.helpers.operator_runs import run


@pytest.mark.parametrize("is_served", [True, False])
def test_the_link_of_a_plan_leads_to_its_page_where_a_server_shows_it(
    is_served: bool, connected_twilio: RunningSimulator, tmp_path: Path
) -> None:
    served = json.dumps({str(tmp_path): "https://files.example.com"} if is_served else {})
    operator = MarkReadOperator(task_id="plan", plans=str(tmp_path / "plans"), web_addresses=served)
    (link,) = operator.operator_extra_links
    before = link.get_link(operator, ti_key=None)
    plan = run(operator)

    address = f"https://files.example.com/plans/{plan['plan_id']}/summary.html" if is_served else ""
    assert (link.name, before, link.get_link(operator, ti_key=None)) == ("Plan", "", address)
    assert (tmp_path / "plans" / plan["plan_id"] / "summary.html").is_file()
