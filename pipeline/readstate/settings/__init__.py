"""Settings, the account and its secrets: where each comes from, and whether it can be used."""
