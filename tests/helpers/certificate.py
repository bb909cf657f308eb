"""A certificate for loopback, by an authority of its own, in the form that the simulator and its clients read."""

from pathlib import Path

import trustme


def write_certificate(path: Path) -> None:
    """Write a private key, its certificate and the authority's to *path*, for a server and for those who trust it."""
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(path))
    authority.cert_pem.write_to_path(str(path), append=True)
