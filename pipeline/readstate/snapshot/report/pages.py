"""Writes the page of one date and the index of all dates into a folder or a bucket."""

from datetime import date

from pyarrow import fs

from readstate.html.chart_data import render_csv
from readstate.snapshot.published.snapshot_store import open_store
from readstate.snapshot.report.index import index_charts, render_index
from readstate.snapshot.report.report import make_report, render_html, render_report_csv

INDEX = "index.html"
_INDEX_CSV = "index.csv"


def write_pages(root: str, day: date | None, folder: str, *, show_pii: bool) -> None:
    """Write the report of *day*, or of the newest snapshot, and an index of all dates below *root* into *folder*.

    The files are ``<date>.html`` and ``index.html``, each with the numbers of its charts in a ``.csv`` beside it. Raise
    `BadInput`, and what the store of *folder* raises.
    """
    store, pages = open_store(root), open_store(folder).objects
    report = make_report(root, day, show_pii=show_pii)
    day = report.manifest.snapshot_date
    manifests = [manifest for date in store.dates() if (manifest := store.manifest(date)) is not None]
    newest = report if manifests[-1].snapshot_date == day else make_report(root)
    links = {"all dates": INDEX, "numbers as CSV": f"{day}.csv"}
    pages.put_bytes(render_html(report, links=links).encode(), f"{day}.html")
    pages.put_bytes(render_report_csv(report).encode(), f"{day}.csv")
    names = {manifest.snapshot_date: f"{manifest.snapshot_date}.html" for manifest in manifests}
    found = pages.filesystem.get_file_info([pages.absolute(name) for name in names.values()])
    known = zip(names.items(), found, strict=True)
    written = {day: name for (day, name), info in known if info.type == fs.FileType.File}
    pages.put_bytes(render_csv(index_charts(newest)).encode(), _INDEX_CSV)
    # Last: what it leads to is there.
    pages.put_bytes(render_index(newest, manifests, pages=written, csv=_INDEX_CSV).encode(), INDEX)
