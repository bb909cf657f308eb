"""Read everything and publish it as Parquet."""
