#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""corpus.py: every foreign file becomes what is expected of it, or is refused with the reason that is expected; no tool outlives its time, and
nothing is left in the scratch directory.

Prints one line for each file. Fails on anything unexpected, and on a file that nothing is expected of: look at it and write it down here.
"""

from __future__ import annotations

import pathlib
import sys
import tempfile

import corpora
import probe

TIMEOUT = 30
# The number of runs of a tool that a file takes at the most, each with its own time.
STEPS = 6

# A video: container, size as shown, seconds, whether it has sound, codec. An EPS: its size at 300 dpi, how many designs it shows.
# Anything else: the reason it is refused.
EXPECTED: dict[str, tuple | str] = {
    "demo.3gp": ("mp4", "352x288", 60.146, True, "h263"),
    "demo.avi": "unreadable",
    "demo.gif": "unreadable",
    "demo.m4v": ("mp4", "176x144", 60.187, True, "h264"),
    "demo.mkv": "unreadable",
    "demo.mov": ("mov", "176x144", 60.187, True, "h264"),
    "demo.mp4": ("mp4", "176x144", 60.187, True, "h264"),
    "demo.ogv": "unreadable",
    "demo.webm": ("webm", "176x144", 60.147, True, "vp9"),
    "bigbuckbunny.mp4": ("mp4", "1280x720", 5.312, True, "h264"),
    "bikes.mp4": ("mp4", "640x272", 10.0, False, "h264"),
    # 176 pixels of a width of 128:117.
    "carphone_distorted.mp4": ("mp4", "193x144", 4.004, False, "h264"),
    "carphone_pristine.mp4": ("mp4", "193x144", 4.004, False, "h264"),
    # With a binary header.
    "1.eps": "unreadable",
    "1_boundingbox_after_imagedata.eps": "unreadable",
    "1_second_imagedata.eps": "unreadable",
    "binary_preview_map.eps": "unreadable",
    "illu10_preview.eps": "unreadable",
    "illuCS6_preview.eps": "unreadable",
    "timeout-d675703545fee17acab56e5fec644c19979175de.eps": "unreadable",
    # With a box at the end.
    "zero_bb_eof_before_boundingbox.eps": "unreadable",
    "zero_bb_trailer.eps": "unreadable",
    "illu10_no_preview.eps": ("1679x10200", 1),
    "illuCS6_no_preview.eps": ("1679x10200", 1),
    # A plot and its title.
    "non_zero_bb.eps": ("1500x1050", 2),
    "pil_sample_cmyk.eps": ("417x417", 1),
    # Not encapsulated.
    "reqd_showpage.eps": ("2304x1979", 3),
    "zero_bb.eps": ("1917x1467", 2),
    "zero_bb_emptyline.eps": ("1917x1467", 2),
}


def judged(path: pathlib.Path, answer: dict) -> str | None:
    """What is wrong with an answer. None when it is as expected."""
    expected = EXPECTED.get(path.name)
    if expected is None:
        return f"nothing is expected of it, and it is {answer}"
    if isinstance(expected, str):
        return None if answer.get("error") == expected and answer.get("message") else f"expected {expected}, got {answer}"
    if answer.get("error"):
        return f"failed: {answer}"
    if len(expected) == 5:
        kind, size, seconds, sound, codec = expected
        got = (answer["kind"], answer["size"], answer["hasAudio"], answer["codec"], answer["pictures"])
        right = got == (kind, size, sound, codec, [size]) and abs(answer["duration"] - seconds) < 0.1
        return None if right else f"expected {expected}, got {answer}"
    size, designs = expected
    (picture,) = answer["pictures"]
    # Where the box has a fraction, or the renderer rounds up.
    near = all(abs(int(a) - int(b)) <= 5 for a, b in zip(size.split("x"), picture.split("x")))
    drawn = answer.get("drawing", 0) > 0 or answer.get("drawingError") == "outputTooLarge"
    return None if answer["size"] == size and near and answer["designs"] == designs and drawn else f"expected {expected}, got {answer}"


def main() -> int:
    problems = []
    with tempfile.TemporaryDirectory(prefix="magpie-media-") as folder:
        scratch = pathlib.Path(folder) / "scratch"
        engine = probe.Probe(scratch, "--timeout", str(TIMEOUT))
        files = corpora.files()
        for path in files:
            answer = engine.ask(path, seconds=STEPS * TIMEOUT)
            problem = judged(path, answer)
            problems += [f"{path.name}: {problem}"] if problem else []
            pictures = ", ".join(answer["pictures"]) or answer.get("message")
            print(f"{path.name}: {answer.get('kind')} {answer.get('size', '')} -> {pictures} ({int(answer['milliseconds'])} ms)")
            probe.until(lambda: not probe.commands(scratch), 5, f"{path.name}: processes are left")
            left = [str(file) for workspace in scratch.iterdir() for file in workspace.iterdir()]
            problems += [f"{path.name}: left {left}"] if left else []
        engine.stop()
        problems += [f"left {list(scratch.iterdir())}"] if list(scratch.iterdir()) else []
    print(f"corpus: {len(files)} files, {len(problems)} problems")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
