"""The account of a command comes from a profile, an env file or the environment, and its secret is never shown."""

from pathlib import Path

import pytest

from readstate.errors import ExitCode
from readstate_jobs.cli import account
from tests.helpers.cli_shell import RunCommand

SECRET = "5ec1e7" * 5 + "ab"


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def account_of(secret_file: Path) -> dict[str, str]:
    return {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN_FILE": str(secret_file)}


def test_an_env_file_sets_what_is_not_set_and_is_named_as_the_origin(readstate: RunCommand) -> None:
    Path("env").write_text("READSTATE_MAX_RATE=5\nexport READSTATE_PAGE_SIZE='10'\nTWILIO_EDGE=dublin\n")

    document = readstate("settings", "--env-file", "env", "--json", env={"READSTATE_PAGE_SIZE": "20"}).document

    assert document["settings"]["max_rate"] == {"value": 5.0, "from": "env READSTATE_MAX_RATE"}
    assert document["settings"]["page_size"] == {"value": 20, "from": "environment READSTATE_PAGE_SIZE"}
    assert document["twilio"] == {"TWILIO_EDGE": {"value": "dublin", "from": "env TWILIO_EDGE"}}


def test_an_env_file_may_choose_the_profile_whose_name_is_shown(readstate: RunCommand, secret_file: Path) -> None:
    Path("rs.toml").write_text(f"[profiles.emea]\naccount_sid = 'AC{'0' * 32}'\nauth_token_file = '{secret_file}'")
    Path("env").write_text("READSTATE_CONFIG=rs.toml\nREADSTATE_PROFILE=emea\n")

    document = readstate("settings", "--env-file", "env", "--json").document

    assert document["profile"] == "rs.toml [profiles.emea]"
    assert document["twilio"] == {
        "TWILIO_ACCOUNT_SID": {"value": "AC…0000", "from": "rs.toml [profiles.emea]"},
        "TWILIO_AUTH_TOKEN_FILE": {"value": str(secret_file), "from": "rs.toml [profiles.emea]"},
    }


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
@pytest.mark.parametrize("kind", ["secret file", "env file"])
def test_a_secret_that_every_user_can_read_is_warned_of(
    kind: str, mode: int, readstate: RunCommand, secret_file: Path
) -> None:
    name = "TWILIO_AUTH_TOKEN_FILE" if kind == "secret file" else "TWILIO_AUTH_TOKEN"
    env = secret_file.with_name("env")
    env.write_text(f"{name}={secret_file if kind == 'secret file' else SECRET}\nTWILIO_ACCOUNT_SID=AC1\n")
    env.chmod(0o600)
    (secret_file if kind == "secret file" else env).chmod(mode)

    output = readstate("doctor", "--env-file", str(env), env={"READSTATE_BASE_URL": "http://127.0.0.1:9"})

    warned = mode == 0o644
    assert ("warning: " in output.stderr) is warned
    assert ("every user of this machine can read this secret" in output.stderr) is warned
    assert SECRET not in output.stdout + output.stderr


def test_the_secret_of_a_file_is_refused_as_an_argument(readstate: RunCommand, secret_file: Path) -> None:
    output = readstate("doctor", "--work-dir", SECRET, env=account_of(secret_file))

    assert output.code == ExitCode.NOT_PERMITTED
    assert "can be read by every user" in output.stdout


def test_the_secret_of_a_file_is_taken_out_of_the_text_of_a_bug(
    readstate: RunCommand, secret_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leak(_path: Path) -> None:
        raise RuntimeError(f"sent {SECRET}")

    monkeypatch.setattr(account, "warn_if_others_may_read", leak)

    output = readstate("doctor", env=account_of(secret_file))

    assert output.code == ExitCode.INTERNAL
    assert "sent (secret)" in output.stderr
    assert SECRET not in output.stderr


def test_variables_that_are_no_settings_are_warned_of_and_not_shown(readstate: RunCommand) -> None:
    """Kubernetes sets such variables in every pod where there is a service called readstate-x."""
    names = ("X_SERVICE_HOST", "X_PORT", "X_PORT_80_TCP_ADDR", "PORT", "PAGESIZE")

    output = readstate("settings", env={f"READSTATE_{name}": "10.0.0.1" for name in names})

    assert output.code == ExitCode.DONE
    assert output.stderr == (
        "warning: no settings, and ignored: READSTATE_PAGESIZE (did you mean READSTATE_PAGE_SIZE?), READSTATE_PORT, "
        "READSTATE_X_PORT, READSTATE_X_PORT_80_TCP_ADDR, READSTATE_X_SERVICE_HOST\n"
    )
