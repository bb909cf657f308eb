"""Addresses of object stores, taken literally: what follows the bucket is the beginning of its keys, as it stands.

``#``, ``?``, ``%`` and blanks are characters of a key like any other. What cannot be a key, such as ``..``, and what is
almost an address are refused. Pure.
"""

import re
from urllib.parse import quote

from msgspec import Struct

from readstate.errors import BadInput, NotPermitted

S3 = frozenset({"s3", "s3a"})
GOOGLE = frozenset({"gs", "gcs"})
AZURE = frozenset({"abfs", "abfss", "az"})
EXAMPLES = "s3://bucket/path, gs://bucket/path or abfs://container@account.dfs.core.windows.net/path"

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CONTAINER = re.compile(r"[$A-Za-z0-9][A-Za-z0-9-]*(@[A-Za-z0-9][A-Za-z0-9.-]*)?")
_ALMOST = re.compile(r"(s3[an]?|gs|gcs|abfss?|az|azure|adl|wasbs?|hdfs|https?|ftp|file)(:|//)", re.IGNORECASE)
_SECRET = re.compile(
    r"[?&](sig|signature|x-(amz|goog)-[a-z-]+|[^/=]*(key|secret|token|password)[^/=]*)=", re.IGNORECASE
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Address(Struct, frozen=True):
    """An address in an object store."""

    scheme: str
    """One of `S3`, `GOOGLE` and `AZURE`."""
    bucket: str
    """For Azure a container, with ``@account.host`` where the address names one."""
    prefix: str
    """The beginning of all keys; empty for the whole bucket."""

    @property
    def url(self) -> str:
        """The same as a URL, in which characters with a meaning in URLs are escaped."""
        scheme = "gs" if self.scheme in GOOGLE else self.scheme
        return f"{scheme}://{self.bucket}" + (f"/{quote(self.prefix)}" if self.prefix else "")


def is_address(root: str) -> bool:
    """Return whether *root* is an address and no path. Raise `BadInput` for a path that is almost an address."""
    if "://" in root:
        return True
    if almost := _ALMOST.match(root):
        raise BadInput(
            f"{without_secret(root)}: neither an address of an object store nor clearly a path",
            hint=f"An address has a colon and two slashes: {EXAMPLES}.\n"
            f"For a folder whose name begins with {almost[0]} write ./{almost[0]}…",
        )
    return False


def parse_address(root: str) -> Address:
    """Return the address *root*. Raise `BadInput`, and `NotPermitted` where it holds a secret, which is not shown."""
    scheme, _, rest = root.partition("://")
    scheme, (bucket, _, prefix) = scheme.lower(), rest.partition("/")
    _require_no_secret(root, scheme, bucket)
    if scheme not in S3 | GOOGLE | AZURE or not bucket:
        raise BadInput(
            f"{without_secret(root)}: not the address of an object store",
            hint=f"Use a path, or an address like {EXAMPLES}.",
        )
    if not (_CONTAINER if scheme in AZURE else _BUCKET).fullmatch(bucket):
        raise BadInput(
            f"{without_secret(root)}: {bucket!r} cannot be the name of a bucket or a container",
            hint=f"Use an address like {EXAMPLES}. An endpoint goes into the environment, such as AWS_ENDPOINT_URL.",
        )
    prefix = prefix.removesuffix("/")
    segments = prefix.split("/") if prefix else []
    if not all(map(_can_be_in_a_key, segments)):
        raise BadInput(
            f"{root}: a key cannot have empty segments, '.', '..' or control characters between its slashes",
            hint=f"Write the path as the store shows it: {scheme}://{bucket}/path",
        )
    return Address(scheme, bucket, prefix)


def without_secret(root: str) -> str:
    """Return *root*, which may be no valid address, without anything in it that could be a secret."""
    scheme, separator, rest = root.partition("://")
    if not separator:
        return root
    bucket, slash, path = rest.partition("/")
    user, at, host = bucket.rpartition("@")
    shown = f"…@{host}" if at and (":" in user or scheme.lower() not in AZURE) else bucket
    return re.sub(r"\?.*", "?…", f"{scheme}://{shown}{slash}{path}", flags=re.DOTALL)


def _require_no_secret(root: str, scheme: str, bucket: str) -> None:
    user = bucket.rpartition("@")[0]
    if ":" in user or (user and scheme in S3 | GOOGLE) or _SECRET.search(root):
        raise NotPermitted(
            f"{without_secret(root)}: an address must hold no key, password or signature: it is logged and listed",
            hint="Take it out of the address, and give the store's own variables in the environment, such as\n"
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Others may have seen it meanwhile: make a new one.",
        )


def _can_be_in_a_key(segment: str) -> bool:
    return segment not in {"", ".", ".."} and _CONTROL.search(segment) is None
