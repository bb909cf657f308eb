"""Users' lists from Twilio as Arrow tables."""
