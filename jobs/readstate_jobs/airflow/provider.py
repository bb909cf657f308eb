"""What Airflow reads about the provider before it imports it; the entry point ``apache_airflow_provider``."""

from typing import Any

CONNECTION_TYPE = "twilio_conversations"

_INTEGRATION = "Twilio Conversations"
_ROOM = "readstate_jobs.airflow"

FIELDS = {
    "account_sid": ("Account SID", "AC…: only for a login with the account's auth token, or to be sure."),
    "service_sid": (
        "Service SID",
        "IS…: the service of changes, or the only one to export. Empty: default, or all.",
    ),
    "edge": ("Edge", "Such as dublin."),
    "region": ("Region", "Such as ie1. Set the edge, too."),
    "base_url": ("Base URL", "Another address than Twilio's: a proxy or a simulator."),
}
"""The connection's extra fields: label and help."""


def get_provider_info() -> dict[str, Any]:
    """Return the description of the provider."""
    from readstate import __version__

    return {
        "package-name": "readstate",
        "name": "readstate for Twilio Conversations",
        "description": "Export, compare and repair who has read what in Twilio Conversations.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": _INTEGRATION,
                "external-doc-url": "https://www.twilio.com/docs/conversations/api",
                "tags": ["service"],
            }
        ],
        "operators": [{"integration-name": _INTEGRATION, "python-modules": [f"{_ROOM}.operators"]}],
        "hooks": [{"integration-name": _INTEGRATION, "python-modules": [f"{_ROOM}.hook"]}],
        "extra-links": [f"{_ROOM}.links.ReportLink", f"{_ROOM}.links.PlanLink"],
        # The schemes of roots that no other provider describes: file, s3 and gs have providers of their own.
        "asset-uris": [{"schemes": ["s3a", "abfs", "abfss", "az"], "handler": None}],
        "connection-types": [
            {
                "connection-type": CONNECTION_TYPE,
                "hook-name": _INTEGRATION,
                "hook-class-name": f"{_ROOM}.hook.TwilioConversationsHook",
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
