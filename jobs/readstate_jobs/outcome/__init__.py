"""How a command ended, for those who do not watch it: a monitoring service, a command of theirs."""
