"""Load the certificate with which the simulator serves https."""

import ssl
from pathlib import Path

from readstate.errors import BadInput


def load_certificate(path: Path) -> ssl.SSLContext:
    """Return the server side of TLS with the private key and certificate in *path*, a PEM file. Raise `BadInput`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # An empty password, because OpenSSL would ask for that of an encrypted key on the terminal.
        context.load_cert_chain(path, password="")
    except OSError as error:  # ssl.SSLError is one
        raise BadInput(
            f"{path}: not a PEM file with a private key and its certificate: {error.strerror or error}",
            hint="The simulator's README says how to make one with openssl.",
        ) from error
    # The connection parses HTTP/1.1 only: a client that offers HTTP/2 as well learns it from the handshake.
    context.set_alpn_protocols(["http/1.1"])
    return context
