"""The client of Twilio: HTTP, retries, rate limits."""
