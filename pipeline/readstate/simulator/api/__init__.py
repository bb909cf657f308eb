"""Twilio's API without HTTP."""
