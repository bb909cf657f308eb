"""Give the compiled reader damaged pages for a while, built so that any false step in memory ends the process.

    python -m tests.soak.damaged_pages [SECONDS] [SEED]

Needs g++ and its sanitizers.
"""

import json
import os
import random
import subprocess
import sys
import sysconfig
import tempfile
import time

from tests.helpers.repository import PIPELINE
from tests.helpers.user_conversation_pages import SERVICE, page, row, sid

SOURCE = PIPELINE / "snapshot" / "extract" / "compiled_pages.cpp"
SANITIZERS = "address,undefined"
ODD_ROW = row(2, timers={}, links=None, friendly_name="é\n😀", attributes='{"a": "b"}', unread_messages_count=None)
PIECES = [
    b'"', b"\\", b"\\u", b"\\ud83d", b"{", b"}", b"[", b"]", b",", b":", b"null", b"0", b"-", b"9" * 19, b"\x00",
    b"\xff", b'"meta":', b'"conversations":[',
]  # fmt: skip


def main(seconds: str = "60", seed: str = "1") -> None:
    with tempfile.TemporaryDirectory() as folder:
        include = sysconfig.get_paths()["include"]
        subprocess.run(
            ["g++", "-g", "-O1", "-std=c++17", f"-fsanitize={SANITIZERS}", "-fno-sanitize-recover=all", "-shared",
             "-fPIC", f"-I{include}", str(SOURCE), "-o", f"{folder}/compiled_pages.so"],
            check=True,
        )  # fmt: skip
        libraries = [
            subprocess.check_output(["g++", f"-print-file-name=lib{name}.so"], text=True).strip()
            for name in ("asan", "ubsan")
        ]
        watched = {"LD_PRELOAD": ":".join(libraries), "ASAN_OPTIONS": "detect_leaks=0", "PYTHONPATH": folder}
        subprocess.run(
            [sys.executable, "-m", "tests.soak.damaged_pages", "damage", seconds, seed],
            env={**os.environ, **watched},
            check=True,
        )


def damage(seconds: float, seed: int) -> None:
    import compiled_pages  # the one that was just built

    chance = random.Random(seed)
    whole = [page([row(), ODD_ROW][:rows], ensure_ascii=plain) for rows in range(3) for plain in (True, False)]
    whole += [json.dumps(json.loads(body), separators=(",", ":")).encode() for body in whole]
    until, tried, accepted = time.monotonic() + seconds, 0, 0
    while time.monotonic() < until:
        damaged = _damaged(bytearray(chance.choice(whole)), chance)
        accepted += (
            compiled_pages.read_pages(tuple((body, SERVICE, sid("US", 1)) for body in (whole[0], damaged))) is not None
        )
        tried += 1
    print(f"{tried} damaged pages, {accepted} of them still as expected, no false step")


def _damaged(body: bytearray, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(body) + 1)
        match chance.randrange(4):
            case 0:
                body[at:at] = chance.choice(PIECES)
            case 1:
                del body[at : at + chance.randint(1, 30)]
            case 2:
                body[at : at + 1] = chance.randbytes(1)
            case _:
                body = body[:at] if chance.random() < 0.3 else body + body[at : at + 40]
    return bytes(body)


if __name__ == "__main__":
    if sys.argv[1:2] == ["damage"]:
        damage(float(sys.argv[2]), int(sys.argv[3]))
    else:
        main(*sys.argv[1:])
