"""All that knows HTTP or Twilio."""
