"""Where the repository lies, whatever folder a test lies in."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PIPELINE = ROOT / "pipeline" / "readstate"
DESCRIPTION = ROOT.parent / "shared" / "spec" / "twilio_conversations_v1.json"
"""Twilio's OpenAPI description of Conversations, which is no part of the repository."""
