"""Ctrl-C while articles are added: a real process at a real terminal keeps what it has done."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from conftest import WHEAT

from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.library import Library

FILES = 60
COMMAND = "from sourcebook.eval.cli.app import main; main()"
COUNTED = re.compile(r"([1-9]\d*) passages encoded")


def test_ctrl_c_keeps_what_is_encoded_and_says_what_is_not(
    tmp_path: Path, encoder: Encoder
) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    paragraphs = WHEAT.split("\n\n")
    for number in range(FILES):
        (folder / f"{number:02}.txt").write_text("\n\n".join(paragraphs[number::FILES]) * 3)
    command = [sys.executable, "-c", COMMAND, "--library", str(tmp_path / "library"), "add"]
    mine, theirs = pty.openpty()
    with subprocess.Popen(
        [*command, str(folder)], stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as adding:
        os.close(theirs)
        shown = ""
        while not COUNTED.search(shown):
            shown += os.read(mine, 4096).decode(errors="replace")
        adding.send_signal(signal.SIGINT)
        begun = time.monotonic()
        assert adding.stdout
        listed = adding.stdout.read()
        code = adding.wait()
        took = time.monotonic() - begun
        shown += os.read(mine, 65_536).decode(errors="replace")
    os.close(mine)
    with Library(tmp_path / "library", encoder) as library, library.view() as view:
        kept = len(view.records())
    assert code == 130
    assert 0 < kept < FILES
    assert listed.count("added     ") == kept
    assert f"Stopped: {kept} of {FILES} files were looked at" in " ".join(shown.split())
    assert took < 30, "a machine that is busy needs more than the two seconds, and no minute"
