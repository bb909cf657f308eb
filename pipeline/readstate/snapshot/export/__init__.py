"""One export from its first start to its manifest, resumable."""
