"""What goes wrong, and which other clients act."""
