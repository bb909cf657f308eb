from importlib.metadata import entry_points
from importlib.util import find_spec
from urllib.parse import urlsplit

from readstate.snapshot.storage.address import AZURE, GOOGLE, S3
from readstate_jobs.airflow.lineage import asset_uri
from readstate_jobs.airflow.provider import FIELDS, get_provider_info
from tests.helpers.operator_signatures import exported_operators


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


def test_every_operator_hook_link_and_scheme_is_described() -> None:
    info = get_provider_info()
    (integration,) = info["integrations"]

    for kind, module in (("operators", "operators"), ("hooks", "hook")):
        (entry,) = info[kind]
        assert entry["integration-name"] == integration["integration-name"]
        assert entry["python-modules"] == [f"readstate_jobs.airflow.{module}"]
    described = {link.removeprefix("readstate_jobs.airflow.links.") for link in info["extra-links"]}
    assert described == {f"{link}Link" for operator in exported_operators().values() for link in operator.links}
    (uris,) = info["asset-uris"]
    named = {urlsplit(asset_uri(f"{scheme}://bucket/x")).scheme for scheme in S3 | GOOGLE | AZURE}
    assert set(uris["schemes"]) == named - {"s3", "gs"}
