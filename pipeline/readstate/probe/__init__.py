"""Questions to a real account, and what its answers say about what is assumed of it."""
