# SPDX-License-Identifier: Apache-2.0
"""What only shows in a process of its own."""

import json
import os
import pathlib
import subprocess

import probe
import pytest
import samples


def run(path: pathlib.Path, *options: str, **environment: str) -> subprocess.CompletedProcess:
    command = [str(probe.program()), *options, str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=os.environ | environment, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> pathlib.Path:
    """Two megapixels that the engine makes sixteen of."""
    path = tmp_path_factory.mktemp("engine") / "large.png"
    path.write_bytes(samples.png(2000, 1000))
    return path


@pytest.mark.parametrize("format_", ["jpeg", "png"])
def test_the_deadline_holds_while_the_encoder_computes(large, format_):
    # The encoder asks for the pixels line by line, so all the blurring is done within its one call. What watches it has to live as long.
    answer = json.loads(run(large, "--timeout", "250", "--transform", f"blur=100,text=Magpie,radius=50,format={format_}").stdout)
    assert answer["error"] == "renderTimedOut" and answer["milliseconds"] < 5000


def test_what_libraries_say_is_not_printed(large):
    # All that glib and libvips would say of their own accord, were it not dropped.
    result = run(large, "--transform", "w=50,format=webp", G_MESSAGES_DEBUG="all", VIPS_INFO="1")
    assert json.loads(result.stdout)["type"] == "image/webp"
    assert result.stderr == "" and result.stdout.count("\n") == 1
