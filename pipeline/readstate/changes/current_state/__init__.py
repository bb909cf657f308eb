"""The current state in Twilio, read with the fewest requests."""
