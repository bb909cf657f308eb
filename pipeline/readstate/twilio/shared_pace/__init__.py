"""Sharing one pace between processes."""
