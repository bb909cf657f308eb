"""A plan on disk: written once, sealed, opened only when it agrees."""
