# SPDX-License-Identifier: Apache-2.0
"""The short run of the fuzzer. The long one, over the corpora, is `fuzz.py --corpora --minutes N`."""

import pathlib
import re
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent


def test_damaged_images_never_end_the_engine():
    command = [sys.executable, str(FOLDER / "fuzz.py"), "--seconds", "30"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
    print(result.stdout)
    assert result.returncode == 0, result.stdout + result.stderr
    counts = re.search(r"fuzz: (\d+) inputs: (.*)", result.stdout)
    assert counts and int(counts.group(1)) > 50, result.stdout
    # Both happen, or the damage is too little or too much to find anything.
    assert "image/" in counts.group(2) and "unreadableImage" in counts.group(2)
