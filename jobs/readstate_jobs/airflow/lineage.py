"""What OpenLineage is told about a published snapshot, where Airflow's provider for it is installed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class PublishedDataset:
    """A dataset by OpenLineage's names, and its size."""

    namespace: str
    name: str
    rows: int
    size: int
    files: int

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "PublishedDataset":
        """The dataset of a snapshot, by what a task pushes of it."""
        namespace, name = name_of(facts["root"])
        return cls(namespace, name, rows=facts["rows"], size=facts["bytes"], files=facts["files"])


def name_of(root: str) -> tuple[str, str]:
    """Give *root*'s conversations as OpenLineage names datasets: the store, and the path in it."""
    place = urlsplit(root)
    if not place.scheme:
        return "file", str(PurePath("/", root) / "user_conversations")
    return f"{place.scheme}://{place.netloc}", str(PurePath(place.path.lstrip("/")) / "user_conversations")


def lineage_of(published: PublishedDataset | None) -> Any:
    """The facets of *published*; None where nothing was published."""
    if published is None:
        return None
    from airflow.providers.common.compat.openlineage.facet import (
        Dataset,
        OutputDataset,
        OutputStatisticsOutputDatasetFacet,
        SchemaDatasetFacet,
        SchemaDatasetFacetFields,
    )
    from airflow.providers.openlineage.extractors import OperatorLineage

    from readstate.snapshot.published.schema import USER_CONVERSATIONS

    output: Dataset = OutputDataset(
        namespace=published.namespace,
        name=published.name,
        facets={
            "schema": SchemaDatasetFacet(
                fields=[SchemaDatasetFacetFields(name=one.name, type=str(one.type)) for one in USER_CONVERSATIONS]
            )
        },
        outputFacets={
            "outputStatistics": OutputStatisticsOutputDatasetFacet(
                rowCount=published.rows, size=published.size, fileCount=published.files
            )
        },
    )
    return OperatorLineage(outputs=[output])
