"""Observers: they turn a run's events into progress displays, log lines and metrics."""
