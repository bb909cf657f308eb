"""The wire and the control endpoints."""
