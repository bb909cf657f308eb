"""Requests and responses as values, and what carries them."""
