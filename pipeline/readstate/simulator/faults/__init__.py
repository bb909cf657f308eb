"""Faults, the account's limits, and other clients."""
