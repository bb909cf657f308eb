"""Intents and current state become the rows of a plan."""
