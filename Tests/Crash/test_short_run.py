# SPDX-License-Identifier: Apache-2.0
"""A short crash run; `crash.py` has the long one."""

import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import crash  # noqa: E402


def test_kill_9_under_load_loses_no_acknowledged_object_and_serves_no_torn_one():
    acknowledged = crash.run(kills=8, seed=random.SystemRandom().randrange(1 << 32), writers=6)
    assert acknowledged > 0


def test_the_check_finds_a_lost_object_a_torn_one_and_a_stale_one():
    """The crash run's own check can fail."""
    generator = random.Random(1)
    whole = crash.body_of(generator, 1000)
    other = crash.body_of(generator, 1000)
    assert crash.is_whole(whole) and crash.is_whole(crash.body_of(generator, 0))
    assert not crash.is_whole(whole[:500] + other[500:])
    assert not crash.is_whole(whole[:-1]) and not crash.is_whole(b"")

    ledger = crash.Ledger()
    ledger.sending("k", "one")
    ledger.stored("k", "one")
    ledger.sending("k", "two")
    assert ledger.keys["k"] == crash.Expectation({"one", "two"}, may_be_absent=False)
    ledger.stored("k", "two")
    assert ledger.keys["k"].allowed == {"two"}
    ledger.deleting("k")
    assert ledger.keys["k"].may_be_absent
