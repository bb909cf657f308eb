"""How fast to ask: a pure, synchronous core that learns from answers; the clock is an argument everywhere."""
