"""One export divided among processes: staged, checked, put together, published."""
