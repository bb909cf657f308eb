"""What Airflow reads about the provider before it imports it; the entry point ``apache_airflow_provider``."""

from typing import Any

CONNECTION_TYPE = "twilio_conversations"

FIELDS = {
    "account_sid": ("Account SID", "AC…: only for a login with the account's auth token, or to be sure."),
    "service_sid": (
        "Service SID",
        "IS…: the service of changes, or the only one to export. Empty: default, or all.",
    ),
    "edge": ("Edge", "Such as dublin."),
    "region": ("Region", "Such as ie1; a region needs its edge."),
    "base_url": ("Base URL", "Another address than Twilio's: a proxy or a simulator."),
}
"""The connection's extra fields: label and help."""


def get_provider_info() -> dict[str, Any]:
    """Return the description of the provider."""
    from importlib.metadata import version

    return {
        "package-name": "readstate",
        "name": "readstate for Twilio Conversations",
        "description": "Export, compare and repair who has read what in Twilio Conversations.",
        "versions": [version("readstate")],
        "connection-types": [
            {
                "connection-type": CONNECTION_TYPE,
                "hook-name": "Twilio Conversations",
                "hook-class-name": "readstate_jobs.airflow.hook.TwilioConversationsHook",
                "ui-field-behaviour": {
                    "hidden-fields": ["host", "port", "schema"],
                    "relabeling": {"login": "API key SID", "password": "API key secret"},
                    "placeholders": {
                        "login": "SK… (or the account SID)",
                        "password": "the key's secret (or the account's auth token)",
                    },
                },
                "conn-fields": {
                    name: {"label": label, "description": text, "schema": {"type": ["string", "null"]}}
                    for name, (label, text) in FIELDS.items()
                },
            }
        ],
    }
