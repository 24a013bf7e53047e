# SPDX-License-Identifier: Apache-2.0
"""Foreign media, and a converter that is killed."""

import pathlib
import subprocess
import sys
import time

import probe

FOLDER = pathlib.Path(__file__).resolve().parent

ENDLESS = """%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 100 100
%%EndComments
{ } loop
"""


def test_foreign_media_become_what_they_are_or_are_refused():
    result = subprocess.run(
        [sys.executable, str(FOLDER / "corpus.py")], capture_output=True, text=True, timeout=900, stdin=subprocess.DEVNULL
    )
    print(result.stdout)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-8000:]


def test_no_tool_survives_a_killed_server_and_the_next_one_cleans_up(tmp_path):
    program, good, scratch = tmp_path / "endless.eps", tmp_path / "good.eps", tmp_path / "scratch"
    program.write_text(ENDLESS)
    good.write_text(ENDLESS.replace("{ } loop", "0 0 50 50 rectfill showpage"))
    # At whatever moment: while a sandbox is set up it does not yet die with its server.
    for delay in [0.5, 0, 0.002, 0.004, 0.008, 0.016, 0.032]:
        killed = probe.Probe(scratch, "--timeout", "600")
        killed.tell(program)
        probe.until(lambda: any(b"pdfwrite" in words for words in probe.commands(scratch)), 60, "the tool does not start")
        time.sleep(delay)
        killed.process.kill()
        killed.process.wait()
        probe.until(lambda: not probe.commands(scratch), 5, f"the tool lives on {delay} s after its start")
        (left,) = scratch.iterdir()
        assert list(left.iterdir()), "nothing was being worked on"
    heir = probe.Probe(scratch)
    answer = heir.ask(good, seconds=120)
    assert answer["pictures"] == ["417x417"], answer
    assert not left.exists()
    heir.stop()
    assert list(scratch.iterdir()) == []
