"""How fast to send: a pure, synchronous limiter that learns from responses; the time is always an argument."""
