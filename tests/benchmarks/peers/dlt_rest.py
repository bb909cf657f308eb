"""dlt's REST source, users and their conversations, to Parquet in a folder; set up as its pages advise.

    python -m tests.benchmarks.peers.dlt_rest FOLDER

The dependent resource is parallelized, 20 fetches at once, and files are of 100 000 rows. Nothing is loaded twice,
so there is no state to restore. Telemetry is off: a benchmark stays on this machine.
"""

import os
import sys

os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "EXTRACT__WORKERS": "20",
    "EXTRACT__MAX_PARALLEL_ITEMS": "50",
    "DATA_WRITER__BUFFER_MAX_ITEMS": "10000",
    "DATA_WRITER__FILE_MAX_ITEMS": "100000",
}

import dlt
from dlt.sources.helpers.rest_client.auth import HttpBasicAuth
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator
from dlt.sources.rest_api import rest_api_source

folder = sys.argv[1]
source = rest_api_source(
    {
        "client": {
            "base_url": f"{os.environ['BASE_URL']}/v1/Services/{os.environ['SERVICE']}/",
            "auth": HttpBasicAuth(os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"]),
            "paginator": JSONLinkPaginator(next_url_path="meta.next_page_url"),
        },
        "resource_defaults": {"write_disposition": "append", "endpoint": {"params": {"PageSize": 50}}},
        "resources": [
            {"name": "users", "endpoint": {"path": "Users", "data_selector": "users"}},
            {
                "name": "conversations",
                "parallelized": True,
                "endpoint": {"path": "Users/{resources.users.sid}/Conversations", "data_selector": "conversations"},
            },
        ],
    }
)
pipeline = dlt.pipeline(
    "read_state",
    pipelines_dir=f"{folder}/work",
    destination=dlt.destinations.filesystem(f"{folder}/out"),
    dataset_name="twilio",
)
pipeline.run(source, loader_file_format="parquet")
