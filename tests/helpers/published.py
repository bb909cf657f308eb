"""The rows of a published snapshot, read without the product's own reader."""

from pathlib import Path
from typing import Any

from pyarrow import parquet as pq


def published_rows(root: Path) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Every row below *root* by key; fails where a key comes twice."""
    rows = [
        row
        for path in sorted((root / "user_conversations").rglob("*.parquet"))
        for row in pq.ParquetFile(path).read().to_pylist()
    ]
    by_key = {(row["chat_service_sid"], row["user_sid"], row["conversation_sid"]): row for row in rows}
    assert len(by_key) == len(rows), "a row was published twice"
    return by_key
