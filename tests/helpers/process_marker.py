"""Marks every test that starts a process, however indirectly, so that ``-m "not process"`` leaves them out."""

import inspect
import multiprocessing
import subprocess
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

_MODULES = {subprocess, multiprocessing}
_STARTERS = {
    "readstate_jobs.airflow.process.parent_process",
    "readstate_jobs.airflow.hook",
    "readstate_jobs.snapshots.sql_process",
} | {
    f"tests.helpers.{name}"
    for name in (
        "airflow_site", "browser", "crash_points", "failing_disk", "moto_server", "object_stores", "operator_runs",
        "process_shell", "processes", "readme_console", "warm_python", "whole_day", "whole_day",
    )
}  # fmt: skip

_SERVERS = {"s3", "azure", "bucket", "redis"}
"""Parameters for which a test, or a fixture of it, asks by name for a server of its own process."""

_CLEANING = "_no_process_outlives_its_test"
"""The fixture of every test that ends processes, and starts none."""


def mark_tests_that_start_processes(items: list[pytest.Item]) -> None:
    """Add the mark ``process`` to each of *items* that, itself or by its fixtures, starts a process."""
    for item in items:
        if isinstance(item, pytest.Function) and (
            _asks_for_server(item) or any(map(_starts_process, _functions_of(item)))
        ):
            item.add_marker("process")


def _asks_for_server(item: pytest.Function) -> bool:
    return hasattr(item, "callspec") and not _SERVERS.isdisjoint(map(str, item.callspec.params.values()))


def _functions_of(item: pytest.Function) -> list[Any]:
    fixtures = item._fixtureinfo.name2fixturedefs
    used = [definition.func for name, found in fixtures.items() if name != _CLEANING for definition in found]
    return [item.function, *used]


def _starts_process(function: Any, seen: set[str] | None = None) -> bool:
    seen = set() if seen is None else seen
    function = inspect.unwrap(getattr(function, "__func__", function))
    if not isinstance(function, FunctionType):
        return False
    for name in _names(function.__code__) - seen:
        seen.add(name)
        value = function.__globals__.get(name)
        if isinstance(value, ModuleType) and (value in _MODULES or value.__name__ in _STARTERS):
            return True
        if getattr(value, "__module__", None) in _STARTERS and callable(value):
            return True
        if isinstance(value, FunctionType) and value.__module__ == function.__module__ and _starts_process(value, seen):
            return True
    return False


def _names(code: CodeType) -> set[str]:
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*map(_names, inner))
