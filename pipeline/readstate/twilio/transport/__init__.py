"""Sends requests: the interface, its two implementations, and what both share."""
