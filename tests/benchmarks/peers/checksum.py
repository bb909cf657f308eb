"""Prints how many rows the Parquet files below a folder hold, and a sum over keys and horizons that no order changes.

python -m tests.benchmarks.peers.checksum FOLDER
"""

import json
import sys

import duckdb

row = duckdb.sql(
    "SELECT count(*), sum(hash(user_sid, conversation_sid, last_read_message_index::BIGINT))::VARCHAR"
    f" FROM read_parquet('{sys.argv[1]}/**/*.parquet', hive_partitioning = false)"
).fetchall()[0]
print(json.dumps(row))
