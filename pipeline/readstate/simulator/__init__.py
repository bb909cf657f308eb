"""A stateful Twilio Conversations on loopback."""
