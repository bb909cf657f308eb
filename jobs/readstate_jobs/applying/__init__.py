"""The two commands that write."""
