"""One limiter's account shared by several processes."""
