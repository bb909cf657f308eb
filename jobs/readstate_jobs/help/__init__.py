"""How the command line presents itself: commands and options in groups, examples, completion."""
