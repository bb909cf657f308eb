"""The file of settings says the truth: every setting, its default, and why."""

import tomllib

import msgspec

from readstate.settings.settings import Settings, load_settings
from tests.helpers.repository import ROOT

FILE = ROOT / "config" / "readstate.toml"


def test_it_holds_every_setting_with_its_default_in_the_order_of_the_code() -> None:
    values = tomllib.loads(FILE.read_text(encoding="utf-8"))

    assert list(values.items()) == list(msgspec.structs.asdict(Settings()).items())


def test_each_setting_has_a_line_above_that_says_why() -> None:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    settings = [number for number, line in enumerate(lines) if line and not line.startswith("#")]

    assert [lines[number] for number in settings if not lines[number - 1].startswith("# ")] == []


def test_it_loads_as_it_stands_and_changes_nothing() -> None:
    assert load_settings(environ={}, config=FILE).settings == load_settings(environ={}).settings
