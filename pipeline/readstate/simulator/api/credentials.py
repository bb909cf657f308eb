"""The credentials of the simulator's one account: a token, two keys and a bearer token, none of them secret."""

from base64 import b64encode
from typing import Literal

from msgspec import Struct

Permission = Literal["all", "read", "bearer", "none"]


class Credentials(Struct, frozen=True, kw_only=True):
    """Accepted by simulators alone."""

    account_sid: str = "AC" + "0123456789abcdef" * 2
    auth_token: str = "fedcba9876543210" * 2
    api_key: str = "SK" + "0a1b2c3d4e5f6789" * 2
    api_secret: str = "simulated0secret0of0the0main0key"  # noqa: S105 - opens nothing
    restricted_api_key: str = "SK" + "9876f5e4d3c2b1a0" * 2
    """May read, and nothing else: writes are 403/70051."""
    restricted_api_secret: str = "simulated0secret0of0readonly0key"  # noqa: S105 - opens nothing
    bearer_token: str = "simulated-bearer-token"  # noqa: S105 - opens nothing

    def permissions(self) -> dict[bytes, Permission]:
        """Return the permission of each valid `Authorization` header."""
        return {
            _basic(self.account_sid, self.auth_token): "all",
            _basic(self.api_key, self.api_secret): "all",
            _basic(self.restricted_api_key, self.restricted_api_secret): "read",
            f"Bearer {self.bearer_token}".encode(): "bearer",
        }


def _basic(user: str, password: str) -> bytes:
    return b"Basic " + b64encode(f"{user}:{password}".encode())
