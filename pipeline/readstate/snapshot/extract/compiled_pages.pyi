# How many nulls, a bit for each value, set where it is not null, offsets of 32 bits, text.
from typing import TypeAlias

TextColumn: TypeAlias = tuple[int, bytes, bytes, bytes]
# How many nulls, the same bits, numbers: of 32 bits for counts, of 64 for the rest.
NumberColumn: TypeAlias = tuple[int, bytes, bytes]

# Of each page its body, the service and the user. Give the number of rows of each page, of 64 bits, and the columns of
# all rows, in the order of the schema; None where any page is not exactly as expected. Other threads of the interpreter
# go on meanwhile.
def read_pages(
    pages: tuple[tuple[bytes, str, str], ...], /
) -> tuple[bytes, list[TextColumn | NumberColumn]] | None: ...
