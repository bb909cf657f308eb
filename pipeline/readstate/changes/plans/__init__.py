"""A plan on disk: written once, sealed, opened only if its digests agree."""
