"""Errors: each has the exit code that the README promises, and its text tells what to type."""

import inspect

import pytest

from readstate import errors
from readstate.errors import ApiError, ExitCode, NotFound, ReadstateError

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ReadstateError)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_deliberate_error_has_an_exit_code_that_is_neither_success_nor_skipped(
    kind: type[ReadstateError],
) -> None:
    assert kind.exit_code != ExitCode.DONE
    assert 0 < kind.exit_code < 256


def test_no_exit_code_is_99_which_airflow_reads_as_skipped() -> None:
    assert 99 not in set(ExitCode)


def test_the_hint_stands_below_the_message() -> None:
    assert str(ReadstateError("what and where", hint="type this")) == "what and where\ntype this"
    assert str(ReadstateError("what and where")) == "what and where"


def test_a_refusal_names_code_and_request_only_where_known() -> None:
    bare = NotFound(status=404, code=None, message="gone", request_id=None, method="GET", path="/v1/x")

    assert str(bare) == "GET /v1/x answered 404: gone"
    assert isinstance(bare, ApiError)
