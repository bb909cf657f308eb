from datetime import date

import click
import pytest

from readstate.errors import BadInput, ExitCode
from readstate_jobs.cli.options import NumberRange, parse_day, parse_seconds, settings_from
from tests.helpers.cli_shell import RunCommand, run_command


def test_a_date_is_written_as_iso_8601() -> None:
    assert parse_day("2026-11-23") == date(2026, 11, 23)


@pytest.mark.parametrize("text", ["23.11.2026", "2026-13-01", "20261123", "2026-W48-1", "", "yesterday"])
def test_what_is_no_date_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(click.BadParameter, match="YYYY-MM-DD"):
        parse_day(text)


def test_a_time_is_written_with_its_unit() -> None:
    assert parse_seconds("1h30m") == 5400


def test_what_is_no_time_is_refused_with_the_forms() -> None:
    with pytest.raises(click.BadParameter, match="1h30m"):
        parse_seconds("half an hour")


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "101", "x"])
def test_what_is_no_number_within_the_bounds_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        NumberRange(0, 100).convert(text, None, None)


@pytest.mark.parametrize(
    "words",
    [
        ["apply", "p-1", "--allow-missing", "nan"],
        ["simulate", "--conversations-per-user", "inf"],
        ["simulate", "--odd-identities", "nan"],
    ],
)
def test_no_option_takes_what_is_no_number(words: list[str], readstate: RunCommand) -> None:
    assert readstate(*words).code == ExitCode.USAGE


def test_settings_take_their_options_and_leave_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("READSTATE_MAX_RATE", raising=False)
    options = {"root": "somewhere", "max_in_flight": 7, "max_rate": None, "on_incomplete": "refuse", "config": None}

    effective = settings_from(options)

    assert options == {"root": "somewhere"}
    assert effective.settings.max_in_flight == 7
    assert effective.origins["max_rate"] == "default"
    assert effective.settings.on_incomplete == "refuse"


@pytest.mark.parametrize("name", ["max_outage", "max_failed_users"])
def test_an_amount_that_means_nothing_is_refused_with_its_origin(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"READSTATE_{name.upper()}", "plenty")

    with pytest.raises(BadInput, match=f"READSTATE_{name.upper()}: {name}: 'plenty'"):
        settings_from({})


@pytest.mark.parametrize(
    "words",
    [
        ("sql", "root", "SELECT 1", "--out"),
        ("compare", "root", "--out"),
        ("lint", "in.csv", "--rejects"),
        ("plan", "in.csv", "--out"),
        ("simulate", "--dump"),
    ],
)
def test_an_address_where_only_a_path_can_be_is_refused_and_not_shown(words: tuple[str, ...]) -> None:
    output = run_command(*words, "s3://user:hidden@bucket/rows.csv")

    assert output.code == ExitCode.USAGE
    assert "only a path on this machine" in output.stderr
    assert "hidden" not in output.stderr


@pytest.mark.parametrize("name", ["work_dir", "metrics_file"])
def test_a_setting_that_is_a_path_takes_no_address_and_does_not_show_it(name: str) -> None:
    with pytest.raises(BadInput, match=f"{name} must be a path on this machine") as refusal:
        settings_from({name: "s3://user:hidden@bucket/x"})
    assert "hidden" not in str(refusal.value)
