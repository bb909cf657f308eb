"""Requests and responses as values, and the pages of lists."""
