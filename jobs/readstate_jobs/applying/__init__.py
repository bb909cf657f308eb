"""The commands that write: `apply` and `resume`."""
