"""Twilio's API without the wire."""
