"""Arrow tables as pandas frames, without turning missing integers into floats."""

import pandas as pd
import pyarrow as pa

_NULLABLE = {
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Give *table* as a frame; integers and booleans are pandas' nullable types, so null stays null and never 0."""
    frame: pd.DataFrame = table.to_pandas(types_mapper=_NULLABLE.get)
    return frame
