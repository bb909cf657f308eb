"""Requests and responses as values, and the transport that sends them."""
