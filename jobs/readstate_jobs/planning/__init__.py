"""The commands from a changes file to a plan that can be reviewed: template, lint, plan, show."""
