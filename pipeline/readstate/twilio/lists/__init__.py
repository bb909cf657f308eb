"""Lists that move while they are read: their order, and which pages to read again."""
