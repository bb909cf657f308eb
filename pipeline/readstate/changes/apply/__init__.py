"""Carry a plan out, row by row."""
