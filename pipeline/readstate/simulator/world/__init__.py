"""What was changed since the seed."""
