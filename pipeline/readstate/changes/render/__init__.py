"""A plan rendered as text, Markdown, JSON and one HTML page."""
