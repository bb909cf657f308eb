"""Twilio's resources, one file each: functions from a context and the path's references to a response."""
