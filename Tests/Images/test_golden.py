# SPDX-License-Identifier: Apache-2.0
"""The engine's pictures beside Pillow's, over the corpora: `golden.py` says what is compared."""

import pathlib
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).resolve().parent


@pytest.mark.timeout(900)
def test_pictures_look_as_pillow_makes_them():
    result = subprocess.run([sys.executable, str(FOLDER / "golden.py")], capture_output=True, text=True, timeout=880, stdin=subprocess.DEVNULL)
    print(result.stdout)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("pictures alike") == 4
