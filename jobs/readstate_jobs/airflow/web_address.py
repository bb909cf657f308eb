"""Where a browser finds a file that readstate has written."""

from collections.abc import Mapping
from urllib.parse import quote

from readstate.snapshot.storage.address import GOOGLE, S3, is_address, parse_address


def web_address(place: str, published: Mapping[str, str]) -> str | None:
    """Return the address at which a browser shows *place*, a path or the URI of an object; None if nobody serves it.

    *published* maps folders and buckets to the addresses of the web servers that show them; the longest name counts.
    Objects of S3 and of Google are shown by their consoles where it names no server.
    """
    for folder in sorted(published, key=len, reverse=True):
        beginning = folder.rstrip("/") + "/"
        if place.startswith(beginning):
            return f"{published[folder].rstrip('/')}/{quote(place.removeprefix(beginning))}"
    if not is_address(place):
        return None
    address = parse_address(place)
    if address.scheme in S3:
        return f"https://console.aws.amazon.com/s3/object/{address.bucket}?prefix={quote(address.prefix, safe='')}"
    if address.scheme in GOOGLE:
        return f"https://console.cloud.google.com/storage/browser/_details/{address.bucket}/{quote(address.prefix)}"
    return None
