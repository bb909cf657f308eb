"""The simulated account before any change, computed from the seed."""
