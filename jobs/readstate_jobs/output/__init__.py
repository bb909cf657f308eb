"""What a command writes for people and programs: results on stdout, messages on stderr."""
