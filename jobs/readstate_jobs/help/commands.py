"""The commands, in groups: what each does, and examples; `--help` lists them without importing any."""

from typing import NamedTuple


class Entry(NamedTuple):
    """A command."""

    summary: str
    examples: tuple[str, ...]
    """Without the word ``readstate``."""


class Group(NamedTuple):
    """Commands under one title."""

    title: str
    commands: dict[str, Entry]


COMMAND_GROUPS = {
    "snapshots": Group("Snapshots", {
        "export": Entry("Export who has read what as a Parquet snapshot.",
            ("export --out snapshots", "export --out s3://bucket/twilio --deadline 5h --compare-with previous")),
        "publish": Entry("Publish the staged shards of a run as one snapshot.",
            ("publish snapshots --run 2026-11-23",)),
        "snapshots": Entry("List, verify and prune published snapshots.",
            ("snapshots snapshots --verify", "snapshots snapshots --keep 14 --yes")),
        "compare": Entry("Show what changed between two snapshots.",
            ("compare snapshots", "compare snapshots 2026-11-22 2026-11-23 --out changes.parquet")),
        "sql": Entry("Query snapshots in SQL.", (
            'sql snapshots "select count(*) from user_conversations where unread_messages_count > 0"',
            "sql snapshots - --out result.csv < query.sql",
        )),
        "report": Entry("Render a snapshot or a run as one HTML page or as Markdown.",
            ("report snapshots --open", "report last --out run.html")),
    }),
    "changes": Group("Changes", {
        "template": Entry("Write an example changes file.", ("template --op update > changes.csv",)),
        "lint": Entry("Check a changes file; nothing is sent.", ("lint changes.csv --op update",)),
        "plan": Entry("Compare a changes file with Twilio and write a plan.",
            ("plan changes.csv --op update", "plan leave.csv --op delete --on-invalid skip --out removals")),
        "mark-read": Entry("Select conversations and plan to mark them as read.", (
            "mark-read --all --conversation-updated-before 30d",
            "mark-read --users users.csv --unread-at-least 5 --exclude vip.csv",
        )),
        "show": Entry("Show a plan.", ("show last", "show plans/p-0d9d669077d7 --only delete,rewind")),
    }),
    "runs": Group("Runs", {
        "apply": Entry("Carry out a reviewed plan.",
            ("apply last", "apply last --confirm-deletes 3", "apply last --canary 100 --canary-pause")),
        "resume": Entry("Resume a run that was stopped, killed, or ended with failed rows.", ("resume last",)),
        "status": Entry("Show how far exports and runs are, also while they run and after a kill.",
            ("status", "status last --watch")),
        "verify": Entry("Read back what a run has changed.", ("verify last", "verify last --sample 5%")),
        "undo": Entry("Plan the reversal of a run.", ("undo last",)),
        "forget": Entry("Delete the personal data of plans and runs.", ("forget last", "forget --retain 30d --yes")),
    }),
    "tools": Group("Account, settings, trying out", {
        "doctor": Entry("Check settings, credentials, clock, disk and root.", ("doctor", "doctor --out snapshots")),
        "probe": Entry("Find out where an account differs from what is assumed.", ("probe --out probe.json",)),
        "settings": Entry("Show the effective settings and their origins.",
            ("settings", "settings --config readstate.toml")),
        "schema": Entry("Print the JSON Schema of all --json documents.", ("schema > readstate.schema.json",)),
        "simulate": Entry("Run a simulated Twilio Conversations on this machine.",
            ("simulate --users 2000 --port 8123", "simulate --fault latency_ms=120 --fault error_share=0.01")),
        "demo": Entry("Export from a simulated Twilio.", ("demo",)),
        "completion": Entry("Print the script that completes commands, options and files in a shell.",
            ('eval "$(readstate completion bash)"', "completion fish > ~/.config/fish/completions/readstate.fish")),
    }),
}  # fmt: skip
"""By the module of `readstate_jobs.commands` that declares them."""

COMMANDS = {name: entry for group in COMMAND_GROUPS.values() for name, entry in group.commands.items()}
