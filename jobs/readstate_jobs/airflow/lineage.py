"""The names of a published snapshot among Airflow's assets and OpenLineage's datasets."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

from readstate.snapshot.storage.address import is_address, parse_address


def asset_uri(root: str) -> str:
    """Return the URI of the conversations below *root*, a folder or the URI of a bucket."""
    if is_address(root):
        return f"{parse_address(root).url}/user_conversations"
    return PurePath("/", root, "user_conversations").as_uri()


def dataset_name(root: str) -> tuple[str, str]:
    """Return OpenLineage's namespace and name for the conversations below *root*."""
    uri = urlsplit(asset_uri(root))
    if uri.scheme == "file":
        return "file", unquote(uri.path)
    return f"{uri.scheme}://{uri.netloc}", unquote(uri.path.lstrip("/"))


def lineage_of(facts: Mapping[str, Any]) -> Any:
    """Return an ``OperatorLineage`` with schema, rows and bytes of the snapshot that *facts* describe."""
    from airflow.providers.common.compat.openlineage.facet import (
        OutputDataset,
        OutputStatisticsOutputDatasetFacet,
        SchemaDatasetFacet,
        SchemaDatasetFacetFields,
    )
    from airflow.providers.openlineage.extractors import OperatorLineage

    from readstate.snapshot.published.schema import USER_CONVERSATIONS

    namespace, name = dataset_name(facts["root"])
    fields = [SchemaDatasetFacetFields(name=field.name, type=str(field.type)) for field in USER_CONVERSATIONS]
    statistics = OutputStatisticsOutputDatasetFacet(
        rowCount=facts["rows"], size=facts["bytes"], fileCount=facts["files"]
    )
    output = OutputDataset(
        namespace=namespace,
        name=name,
        facets={"schema": SchemaDatasetFacet(fields=fields)},
        outputFacets={"outputStatistics": statistics},
    )
    return OperatorLineage(outputs=[output])
