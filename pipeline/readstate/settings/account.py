"""Which account: Twilio's variables in the environment, or what a profile of the settings' file has instead of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

SECRETS = ("TWILIO_AUTH_TOKEN", "TWILIO_API_SECRET")
_REFERENCES = ("_FILE", "_COMMAND", "_ENV")
"""What may follow the name of a secret: its value says where the secret is, and is none itself."""
VARIABLES = (
    "TWILIO_ACCOUNT_SID",
    "TWILIO_API_KEY",
    *(f"{secret}{form}" for secret in SECRETS for form in ("", *_REFERENCES)),
    "TWILIO_EDGE",
    "TWILIO_REGION",
)


@dataclass(frozen=True, slots=True)
class Account:
    """Twilio's variables by their names, all of one source: an account is never put together from two."""

    variables: Mapping[str, str] = field(repr=False)
    profile: str | None = None
    """The file and the name of the profile; None where the variables are those of the environment."""
    env_files: Mapping[str, str] = field(default_factory=dict)
    """The file of each variable that was read from one."""

    def get(self, name: str) -> str | None:
        """Return the value of the variable *name*; an empty one counts as missing."""
        return self.variables.get(name) or None

    def label(self, name: str) -> str:
        """Return *name* as a person has written it: in a profile, ``api_key`` for ``TWILIO_API_KEY``."""
        return f"{self.profile}: {key_of(name)}" if self.profile else name

    def origin(self, name: str) -> str:
        """Return where the variable *name* comes from, for people."""
        return self.profile or variable_origin(name, self.env_files)


def key_of(variable: str) -> str:
    """Return the key of a profile that means *variable*: ``auth_token_file`` for ``TWILIO_AUTH_TOKEN_FILE``."""
    return variable.removeprefix("TWILIO_").lower()


def account_in(environ: Mapping[str, str], env_files: Mapping[str, str] | None = None) -> Account:
    """Return the account that *environ* names; *env_files* has the file of each variable that was read from one."""
    return Account({name: environ[name] for name in VARIABLES if environ.get(name)}, env_files=env_files or {})


def variable_origin(name: str, env_files: Mapping[str, str]) -> str:
    """Return where the variable *name* comes from, for people."""
    return f"{env_files[name]} {name}" if name in env_files else f"environment {name}"
