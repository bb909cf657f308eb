import logging

import pytest

from readstate_jobs.airflow.process.command_log import parse_line


@pytest.mark.parametrize(
    ("line", "level", "message"),
    [
        ('{"time": "2026-11-23", "level": "info", "message": "20 users"}', logging.INFO, "20 users"),
        ('{"level": "warning", "message": "gave up", "path": "/v1"}', logging.WARNING, "gave up"),
        ('{"level": "error", "message": "no ROOT", "hint": "Name it."}', logging.ERROR, "no ROOT\nName it."),
        ('{"level": "of a later version", "message": "heard"}', logging.INFO, "heard"),
        ('{"level": "info"}', logging.INFO, '{"level": "info"}'),
        ("[1, 2]", logging.INFO, "[1, 2]"),
        ("error: no such option", logging.ERROR, "no such option"),
        ("Written to page.html", logging.INFO, "Written to page.html"),
    ],
)
def test_a_line_keeps_its_level_and_loses_its_timestamp(line: str, level: int, message: str) -> None:
    assert parse_line(line) == (level, message)
