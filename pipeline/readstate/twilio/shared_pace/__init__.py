"""One rate limit shared by several processes of an account."""
