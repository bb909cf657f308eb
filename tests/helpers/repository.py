"""Where the repository lies, whatever folder a test lies in."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PIPELINE = ROOT / "pipeline" / "readstate"
