"""Read and repair who has read what in Twilio Conversations, for all users at once."""
