"""Rows for mark-read to choose from, read from Twilio now."""
