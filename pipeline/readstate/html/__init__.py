"""Reports as self-contained HTML pages and as Markdown: templates and charts."""
