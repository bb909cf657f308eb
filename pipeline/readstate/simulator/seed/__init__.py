"""The world as the seed makes it: arithmetic."""
