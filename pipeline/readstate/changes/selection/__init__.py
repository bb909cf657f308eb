"""Memberships are chosen by condition instead of by file (mark-read)."""
