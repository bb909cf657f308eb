"""Servers that several tests share, because they take a second to start; and what holds for every test."""

import os
import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.helpers import object_stores, processes
from tests.helpers.object_stores import StoreServer
from tests.helpers.process_marker import mark_tests_that_start_processes

# A property holds or it does not, however long a busy machine takes to find out: no deadlines.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("day", _PATIENT, max_examples=20)
settings.register_profile("nightly", _PATIENT, max_examples=300)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "day"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_tests_that_start_processes(items)


@pytest.fixture(autouse=True)
def _no_process_outlives_its_test(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.node.get_closest_marker("process") is None:
        monkeypatch.setattr(subprocess.Popen, "__init__", _refuse_to_start)
    yield
    processes.kill_all()


def _refuse_to_start(*_: object, **__: object) -> None:
    raise AssertionError("this test starts a process, unseen by tests/helpers/process_marker.py: mark it `process`")


@pytest.fixture(scope="session")
def _s3_server() -> Iterator[StoreServer]:
    with object_stores.moto() as store:
        yield store


@pytest.fixture(scope="session")
def _azure_server() -> Iterator[StoreServer]:
    if object_stores.AZURITE is None:
        pytest.skip("azurite is not installed: npm install -g azurite, or name its azurite-blob in AZURITE_BLOB")
    with object_stores.azurite() as store:
        yield store


@pytest.fixture
def s3(_s3_server: StoreServer, monkeypatch: pytest.MonkeyPatch) -> StoreServer:
    """An S3 that the environment points to."""
    return _pointed_to(_s3_server, monkeypatch)


@pytest.fixture
def azure(_azure_server: StoreServer, monkeypatch: pytest.MonkeyPatch) -> StoreServer:
    """An Azure Blob Storage that the environment points to."""
    return _pointed_to(_azure_server, monkeypatch)


def _pointed_to(store: StoreServer, monkeypatch: pytest.MonkeyPatch) -> StoreServer:
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    return store
