from pathlib import Path

import pytest

from readstate.errors import BadInput
from tests.helpers.querying import query_rows


def test_columns_of_one_name_are_answer_apart(root: Path) -> None:
    assert query_rows(root, "SELECT 1 AS a, 2 AS a, 3 AS a") == [(1, 2, 3)]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT nope FROM users", '"nope" not found'),
        ("SELECT * FROM user", 'Did you mean "users"'),
        ("SELECT * FROM nope", "nope does not exist!\\n"),
        ("SELECT identity::INTEGER FROM users", "Could not convert"),
        ("SELECT error('no')", "no"),
        ("SELECT list(range) FROM range(1000000000000)", "more than the 800MB of memory and 10GB"),
        ("", "there is no query"),
        ("SELECT 1; SELECT 2", "2 queries"),
        ("SELECT * FROM read_csv('/etc/passwd')", "may read the views only"),
        ("DROP VIEW users", "read-only"),
    ],
)
def test_a_wrong_query_gets_a_short_answer(query: str, words: str, root: Path) -> None:
    with pytest.raises(BadInput, match=words) as refusal:
        query_rows(root, query)

    assert "\n" not in refusal.value.message
    assert len(refusal.value.message) < 250


@pytest.mark.parametrize(
    "query",
    ["DESCRIBE users", "SUMMARIZE users", "FROM users", "WITH u AS (FROM users) FROM u", "SHOW TABLES", "VALUES (1)"],
)
def test_what_only_reads_is_answered(query: str, root: Path) -> None:
    assert query_rows(root, query)
