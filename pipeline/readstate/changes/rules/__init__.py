"""Whether a row may be sent, and what an answer or a reading means. Pure."""
