"""How to reach an address: proxy, certificate authorities, and what is told where it cannot be reached."""

import os
import ssl
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from readstate.errors import BadInput, NotSent
from readstate.twilio.http.request import Request

_AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""Variables that name a file of certificate authorities, as other HTTP clients honour them; the first that is set."""


def proxy_for(base_url: str) -> str | None:
    """Return the proxy that HTTP_PROXY or HTTPS_PROXY name for *base_url*, unless NO_PROXY excludes it.

    The address may hold a password. Raise `BadInput` where it has no host or no port that exists.
    """
    address = urlsplit(base_url)
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import (  # type: ignore[attr-defined]  # noqa: PLC0415 - slow, and few have a proxy
        getproxies_environment,
        proxy_bypass_environment,
    )

    if address.hostname is None or proxy_bypass_environment(address.hostname):
        return None
    if not (proxy := getproxies_environment().get(address.scheme)):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    with suppress(ValueError):  # from a port of letters, or of more than 65535
        parts = urlsplit(proxy)
        if parts.hostname and parts.port != 0:
            return proxy
    raise BadInput(
        f"{address.scheme.upper()}_PROXY: not the address of a proxy",
        hint="Write it as http://HOST:PORT, or unset it.",
    )


def proxy_host(base_url: str) -> str | None:
    """Return host and port of the proxy for *base_url*: what of its address can be shown. Raise `BadInput`."""
    proxy = proxy_for(base_url)
    return proxy and urlsplit(proxy).netloc.rpartition("@")[2]


def authorities_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the file of certificate authorities that a variable names. Raise `BadInput` where it cannot be read."""
    for name in _AUTHORITIES:
        if text := environ.get(name):
            path = Path(text)
            try:
                ssl.create_default_context(cafile=path)
            except OSError as error:  # ssl.SSLError is one
                raise BadInput(
                    f"{name}={text}: not a file of certificate authorities: {error.strerror or error}",
                    hint=f"Name a PEM file in {name}, or unset it.",
                ) from error
            return path
    return None


def cannot_connect(request: Request, base_url: str, reason: str) -> NotSent:
    """Return the error for a connection that could not be made."""
    return NotSent(
        f"{request.method} {request.path}: cannot connect to {_way(base_url)}: {reason}",
        hint="Check the network, and the address that readstate settings shows as base_url.",
    )


def unknown_host(request: Request, base_url: str, reason: str) -> NotSent:
    """Return the error for a host name that has no address."""
    return NotSent(
        f"{request.method} {request.path}: {_way(base_url)}: the host name cannot be resolved: {reason}",
        hint="Check DNS and the address that readstate settings shows as base_url; behind a proxy, set HTTPS_PROXY.",
        is_lasting=True,
    )


def untrusted_certificate(request: Request, base_url: str, reason: str) -> NotSent:
    """Return the error for a certificate that does not verify."""
    return NotSent(
        f"{request.method} {request.path}: {_way(base_url)}: its certificate cannot be verified: {reason}",
        hint="If your company's proxy replaces certificates, name the file of its authority in SSL_CERT_FILE.",
        is_lasting=True,
    )


def _way(base_url: str) -> str:
    proxy = proxy_host(base_url)
    return f"{base_url} through the proxy {proxy}" if proxy else base_url
