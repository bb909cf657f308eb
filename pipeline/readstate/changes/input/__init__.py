"""A changes file becomes checked intents; every problem is found in one pass."""
