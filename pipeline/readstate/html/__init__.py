"""Pages that need nothing else: one look and one kind of chart for everything that is shown as a report."""
