from importlib.metadata import entry_points
from importlib.util import find_spec

from readstate_jobs.airflow.provider import FIELDS, get_provider_info


def test_the_installed_package_has_the_entry_point_that_airflow_reads() -> None:
    found = [one for one in entry_points(group="apache_airflow_provider") if one.value.startswith("readstate_jobs.")]

    assert found[0].load() is get_provider_info


def test_the_hook_and_every_field_of_the_connection_are_described() -> None:
    (connection,) = get_provider_info()["connection-types"]

    module, _, name = connection["hook-class-name"].rpartition(".")
    assert find_spec(module) is not None
    assert name == "TwilioConversationsHook"
    assert set(connection["conn-fields"]) == {"account_sid", "service_sid", "edge", "region", "base_url"} == set(FIELDS)
    assert set(connection["ui-field-behaviour"]["relabeling"]) == {"login", "password"}
