"""The command line itself: process, options, signals, terminal, caller."""
