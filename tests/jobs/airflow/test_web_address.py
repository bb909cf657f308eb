import pytest

from readstate_jobs.airflow.web_address import web_address

SERVED = {"/data": "https://files.example.com", "/data/emea/": "https://emea.example.com/x/", "gs://b/r": "https://r"}


@pytest.mark.parametrize(
    ("place", "address"),
    [
        ("/data/a b/2026-11-23.html", "https://files.example.com/a%20b/2026-11-23.html"),
        ("/data/emea/page.html", "https://emea.example.com/x/page.html"),
        ("/database/page.html", None),
        ("gs://b/r/page.html", "https://r/page.html"),
        ("gs://b/other/page 1.html", "https://console.cloud.google.com/storage/browser/_details/b/other/page%201.html"),
        ("s3://b/r/page.html", "https://console.aws.amazon.com/s3/object/b?prefix=r%2Fpage.html"),
        ("abfs://c@account.dfs.core.windows.net/page.html", None),
    ],
)
def test_a_page_is_found_at_the_server_of_its_folder_or_in_its_stores_console(place: str, address: str | None) -> None:
    assert web_address(place, SERVED) == address
