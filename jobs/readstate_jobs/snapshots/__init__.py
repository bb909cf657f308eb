"""Export, publish, list, compare and query snapshots."""
