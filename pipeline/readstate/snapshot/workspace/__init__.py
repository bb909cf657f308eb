"""What an unfinished run keeps on the local disk."""
