"""What a file is that is no text, by its first bytes. Pure."""

import re

_ARCHIVE = "Unpack it, and use the file inside."
_SHEET = "Save the sheet as CSV (UTF-8)."
_SHEET_OR_ARCHIVE = "Save the sheet as CSV (UTF-8), or unpack the archive."
_PAGE = "Is it an error page, or a sheet saved as a page? Save the sheet as CSV (UTF-8)."
_COMPRESSED = "Unpack it: gzip and zstd are read as they are, once."
_TABLE = "Write its rows as CSV or Parquet."

_KINDS = (
    (rb"PK\x03\x04", "a spreadsheet (.xlsx, .ods) or a ZIP archive", _SHEET_OR_ARCHIVE),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls)", _SHEET),
    (rb"[\s\S]{257}ustar", "a tar archive", _ARCHIVE),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", _ARCHIVE),
    (rb"Rar!\x1a\x07", "a RAR archive", _ARCHIVE),
    (rb"\x1f\x8b|\x28\xb5\x2f\xfd", "compressed more than once", _COMPRESSED),
    (rb"BZh[1-9]", "compressed with bzip2", _COMPRESSED),
    (rb"\xfd7zXZ\x00", "compressed with xz", _COMPRESSED),
    (rb"\x04\x22\x4d\x18", "compressed with lz4", _COMPRESSED),
    (rb"\x1f\x9d", "compressed with compress", _COMPRESSED),
    (rb"PAR1", "Parquet that was compressed as a whole", "Unpack it: Parquet is compressed inside."),
    (rb"ARROW1|FEA1", "an Arrow or Feather file", _TABLE),
    (rb"ORC", "an ORC file", _TABLE),
    (rb"Obj\x01", "an Avro file", _TABLE),
    (rb"SQLite format 3\x00", "an SQLite database", _TABLE),
    (rb"\x80[\x02-\x05]", "a pickle of Python", _TABLE),
    (rb"%PDF-", "a PDF", _TABLE),
    (rb"\{\\rtf", "a text of a word processor (.rtf)", "Save it as plain text."),
    (rb"\s*<(?i:!doctype|html|\?xml|table)", "a page (HTML or XML)", _PAGE),
    (rb'\s*(?:\{\s*"|\[\s*[\[{"])', "JSON", _TABLE),
    (rb"\xff\xfe\x00\x00|\x00\x00\xfe\xff", "text in UTF-32", "Save it as UTF-8."),
)  # fmt: skip
LONGEST_START = 264
"""So many bytes decide."""


def foreign_kind(start: bytes) -> tuple[str, str] | None:
    """Return what the file that begins with *start* is, and what to do, where it is neither CSV nor plain text."""
    return next(((kind, hint) for begins, kind, hint in _KINDS if re.match(begins, start)), None)
