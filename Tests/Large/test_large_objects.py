# SPDX-License-Identifier: Apache-2.0
"""A short run; `large_objects.py` has the long one."""

import pathlib
import random
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import large_objects  # noqa: E402

MIB = 1 << 20


def test_a_large_object_survives_retries_and_kills_and_the_servers_memory_stays_small():
    figures = large_objects.run(300_000_000, seed=random.SystemRandom().randrange(1 << 32))
    assert 0 < figures.peak < large_objects.MEMORY_LIMIT


def test_the_check_finds_a_block_in_the_wrong_place_and_one_that_is_missing():
    """The run's own check can fail."""
    blocks = list(large_objects.blocks_of(3 * MIB + 5, seed=1))
    wanted = large_objects.Digests.of(blocks)
    assert wanted.length == 3 * MIB + 5 and wanted == large_objects.Digests.of(large_objects.blocks_of(3 * MIB + 5, seed=1))
    assert large_objects.Digests.of([blocks[1], blocks[0], *blocks[2:]]) != wanted
    assert large_objects.Digests.of(blocks[:-1]) != wanted
    assert large_objects.Digests.of(large_objects.blocks_of(3 * MIB + 5, seed=2)) != wanted


def test_a_server_that_takes_too_much_memory_fails_the_run():
    large_objects.check_memory(large_objects.MEMORY_LIMIT - 1)
    with pytest.raises(large_objects.Violation, match="memory reached 300 MB"):
        large_objects.check_memory(large_objects.MEMORY_LIMIT)
