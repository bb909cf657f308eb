from pathlib import Path

import pytest

from readstate.errors import BadInput
from readstate.settings.settings import DEFAULT_BASE_URL, EffectiveSettings, load_settings

FILE = """
max_rate = 5.0
page_size = 10
part_rows = 10
base_url = "https://proxy.example.com"

[profiles.emea]
page_size = 20
part_rows = 20
account_sid = "AC1"
auth_token_file = "/run/secrets/emea"
edge = "dublin"
region = "ie1"

[profiles.slow]
max_rate = 1.0
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "readstate.toml"
    path.write_text(FILE)
    return path


def load(config: Path | None, profile: str | None = None, **environ: str) -> EffectiveSettings:
    return load_settings(environ=environ, config=config, profile=profile)


def test_a_profile_overrides_the_rest_of_the_file_and_the_environment_overrides_both(config: Path) -> None:
    effective = load(config, "emea", READSTATE_PART_ROWS="30")

    found = effective.settings
    assert (found.max_rate, found.page_size, found.part_rows) == (5.0, 20, 30)
    assert [effective.origins[name] for name in ("max_rate", "page_size", "part_rows")] == [
        str(config),
        f"{config} [profiles.emea]",
        "environment READSTATE_PART_ROWS",
    ]


def test_the_account_of_a_profile_is_not_mixed_with_that_of_the_environment(config: Path) -> None:
    """An exported key of another account, or its region, must not decide where a profile's changes go."""
    exported = {"TWILIO_API_KEY": "SK1", "TWILIO_API_SECRET": "s", "TWILIO_EDGE": "sydney", "TWILIO_REGION": "au1"}

    emea, slow = load(config, "emea", **exported), load(config, "slow", **exported)

    assert emea.account.variables == {
        "TWILIO_ACCOUNT_SID": "AC1",
        "TWILIO_AUTH_TOKEN_FILE": "/run/secrets/emea",
        "TWILIO_EDGE": "dublin",
        "TWILIO_REGION": "ie1",
    }
    assert slow.account.variables == exported, "a profile that names no account is that of the environment"


@pytest.mark.parametrize(
    ("profile", "address"),
    [(None, "https://proxy.example.com"), ("emea", "https://conversations.dublin.ie1.twilio.com")],
)
def test_the_edge_of_a_profile_goes_before_an_address_for_all(config: Path, profile: str | None, address: str) -> None:
    assert load(config, profile).settings.base_url == address


def test_variables_name_the_file_and_the_profile_where_no_flag_does(config: Path) -> None:
    named = {"READSTATE_CONFIG": str(config), "READSTATE_PROFILE": "slow"}

    assert load(None, **named).settings.max_rate == 1.0
    assert load(None, "emea", **named).settings.page_size == 20
    assert load(None, **named).warnings == []
    assert load(None, READSTATE_CONFIG="", READSTATE_PROFILE="").settings.base_url == DEFAULT_BASE_URL


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no profile 'emea'"),
        ("[profiles.emae]", "did you mean 'emae'"),
        ("profiles = 3", "profiles must be tables"),
        ("profiles.emea = 3", "profiles must be tables"),
        ("[profiles.emea]\nauth_token = 'hunter2'", "auth_token: a settings file must not hold a secret"),
        ("[profiles.emea]\napi_secret = 'hunter2'", "api_secret_file, api_secret_command, or api_secret_env"),
        ("[profiles.emea]\nauth_token_file = ['hunter2']", "auth_token_file must be a text"),
        (
            "[profiles.emea]\nauth_tokens_file = 'hunter2'",
            "unknown setting 'auth_tokens_file'; did you mean 'auth_token_",
        ),
        ("[profiles.emea]\nregion = 'ie1'", "without edge: Twilio would route"),
        ("account_sid = 'AC1'", "account_sid belongs in a profile"),
        ("auth_token = 'hunter2'", "auth_token: a settings file must not hold a secret"),
    ],
)
def test_what_is_wrong_with_a_profile_is_told_with_the_file_and_without_a_secret(
    config: Path, text: str, message: str
) -> None:
    config.write_text(text)

    with pytest.raises(BadInput, match=r"readstate\.toml") as refused:
        load(config, "emea")

    assert message in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_profile_without_a_file_is_refused() -> None:
    with pytest.raises(BadInput, match="the profile emea needs a settings file"):
        load(None, "emea")
