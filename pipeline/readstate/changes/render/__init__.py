"""A plan for the eyes: as text, Markdown, JSON and one HTML page."""
