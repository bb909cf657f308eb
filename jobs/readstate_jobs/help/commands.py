"""The commands, in groups: where each is, what it does, and examples; `--help` lists them without importing any."""

from typing import NamedTuple


class Entry(NamedTuple):
    """A command."""

    module: str
    summary: str
    examples: tuple[str, ...]
    """Without the word ``readstate``."""


COMMAND_GROUPS = {
    "Snapshots": {
        "export": Entry(
            "readstate_jobs.snapshots.export",
            "Export who has read what as a Parquet snapshot.",
            ("export --out snapshots", "export --out s3://bucket/twilio --deadline 5h --compare-with previous"),
        ),
        "publish": Entry(
            "readstate_jobs.snapshots.publish",
            "Publish the staged shards of a run as one snapshot.",
            ("publish snapshots --run 2026-11-23",),
        ),
        "snapshots": Entry(
            "readstate_jobs.snapshots.list_snapshots",
            "List, verify and prune published snapshots.",
            ("snapshots snapshots --verify", "snapshots snapshots --keep 14 --yes"),
        ),
        "compare": Entry(
            "readstate_jobs.snapshots.compare",
            "Show what changed between two snapshots.",
            ("compare snapshots", "compare snapshots 2026-11-22 2026-11-23 --out changes.parquet"),
        ),
        "sql": Entry(
            "readstate_jobs.snapshots.sql",
            "Query snapshots in SQL.",
            (
                'sql snapshots "select count(*) from user_conversations where unread_messages_count > 0"',
                "sql snapshots - --out result.csv < query.sql",
            ),
        ),
        "report": Entry(
            "readstate_jobs.tools.report",
            "Render a snapshot or a run as one HTML page or as Markdown.",
            ("report snapshots --open", "report last --out run.html"),
        ),
    },
    "Changes": {
        "template": Entry(
            "readstate_jobs.planning.template",
            "Write an example changes file.",
            ("template --op update > changes.csv",),
        ),
        "lint": Entry(
            "readstate_jobs.planning.lint",
            "Check a changes file; nothing is sent.",
            ("lint changes.csv --op update",),
        ),
        "plan": Entry(
            "readstate_jobs.planning.plan",
            "Compare a changes file with Twilio and write a plan.",
            ("plan changes.csv --op update", "plan leave.csv --op delete --on-invalid skip --out removals"),
        ),
        "mark-read": Entry(
            "readstate_jobs.mark_read.command",
            "Select conversations and plan to mark them as read.",
            (
                "mark-read --all --conversation-updated-before 30d",
                "mark-read --users users.csv --unread-at-least 5 --exclude vip.csv",
            ),
        ),
        "show": Entry(
            "readstate_jobs.planning.show",
            "Show a plan.",
            ("show last", "show plans/p-0d9d669077d7 --only delete,rewind"),
        ),
        "apply": Entry(
            "readstate_jobs.applying.apply",
            "Carry out a reviewed plan.",
            (
                "apply last",
                "apply last --confirm-deletes 3",
                "apply last --canary 100 --canary-pause",
            ),
        ),
        "resume": Entry(
            "readstate_jobs.applying.resume",
            "Resume a run that was stopped, killed, or ended with failed rows.",
            ("resume last",),
        ),
        "status": Entry(
            "readstate_jobs.runs.status",
            "Show how far exports and runs are, also while they run and after a kill.",
            ("status", "status last --watch"),
        ),
        "verify": Entry(
            "readstate_jobs.runs.verify",
            "Read back what a run has changed.",
            ("verify last", "verify last --sample 5%"),
        ),
        "undo": Entry("readstate_jobs.runs.undo", "Plan the reversal of a run.", ("undo last",)),
        "forget": Entry(
            "readstate_jobs.runs.forget",
            "Delete the personal data of plans and runs.",
            ("forget last", "forget --retain 30d --yes"),
        ),
    },
    "Account, settings, trying out": {
        "doctor": Entry(
            "readstate_jobs.tools.doctor",
            "Check settings, credentials, clock, disk and root.",
            ("doctor", "doctor --out snapshots"),
        ),
        "probe": Entry(
            "readstate_jobs.tools.probe",
            "Find out where an account differs from what is assumed.",
            ("probe --out probe.json",),
        ),
        "settings": Entry(
            "readstate_jobs.tools.settings",
            "Show the effective settings and their origins.",
            ("settings", "settings --config readstate.toml"),
        ),
        "schema": Entry(
            "readstate_jobs.tools.schema",
            "Print the JSON Schema of all --json documents.",
            ("schema > readstate.schema.json",),
        ),
        "simulate": Entry(
            "readstate_jobs.tools.simulate",
            "Run a simulated Twilio Conversations on this machine.",
            ("simulate --users 2000 --port 8123", "simulate --fault latency_ms=120 --fault error_share=0.01"),
        ),
        "demo": Entry("readstate_jobs.tools.demo", "Export from a simulated Twilio.", ("demo",)),
        "completion": Entry(
            "readstate_jobs.help.completion",
            "Print the script that completes commands, options and files in a shell.",
            ('eval "$(readstate completion bash)"', "completion fish > ~/.config/fish/completions/readstate.fish"),
        ),
    },
}

COMMANDS = {name: entry for group in COMMAND_GROUPS.values() for name, entry in group.items()}
