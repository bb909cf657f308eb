"""Everything about the installation."""
