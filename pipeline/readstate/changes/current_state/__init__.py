"""What Twilio has now, with the fewest requests."""
