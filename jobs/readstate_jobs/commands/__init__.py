"""How each command is typed, and its help; the job that carries it out is imported when it runs."""
