from pathlib import Path

import pytest

from readstate.errors import BadInput
from readstate.settings.env_file import read_env_file


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=value", "value"),
        ("export NAME=value", "value"),
        ("  NAME='it is \"$so\" \\'  # why", 'it is "$so" \\'),
        ('NAME="a b"', "a b"),
        ("NAME=a b # why", "a b"),
        ("NAME=a#b", "a#b"),
        ("NAME=redis://:p%23@host/0?x=y", "redis://:p%23@host/0?x=y"),
        ("NAME=", ""),
        ("NAME=''", ""),
        ("\ufeffNAME=value\r", "value"),
        ("# NAME=other\n\nNAME=value", "value"),
    ],
)
def test_a_line_in_the_forms_of_shells_docker_and_systemd_gives_its_value(
    tmp_path: Path, line: str, value: str
) -> None:
    (tmp_path / "env").write_text(line + "\n", encoding="utf-8")

    assert read_env_file(tmp_path / "env") == {"NAME": value}


@pytest.mark.parametrize(
    "line",
    [
        "hunter2",
        "NAME 'hunter2'",
        "NAME='hunter2",
        'NAME="hunter2\\n"',
        'NAME="$hunter2"',
        "1A=hunter2",
        "NAME= hunter2",
    ],
)
def test_any_other_line_is_refused_with_its_number_and_not_shown(tmp_path: Path, line: str) -> None:
    (tmp_path / "env").write_text(f"A=1\n{line}\n")

    with pytest.raises(BadInput, match="env, line 2: not NAME=value") as refused:
        read_env_file(tmp_path / "env")

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("content", [None, b"A=\xff"])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "env").write_bytes(content)

    with pytest.raises(BadInput, match=r"/env: "):
        read_env_file(tmp_path / "env")
