"""The command line: process, options, signals, terminal, caller."""
