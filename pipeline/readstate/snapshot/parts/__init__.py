"""Sorted rows on the local disk between reading and publishing."""
