"""Listeners: they turn events into progress, log lines and metrics."""
