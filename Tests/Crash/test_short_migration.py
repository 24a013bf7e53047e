# SPDX-License-Identifier: Apache-2.0
"""A short migration with crashes and an outage; `migration.py` has the long one."""

import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import migration  # noqa: E402


def test_a_migration_under_load_survives_kill_9_and_an_outage_and_no_read_fails_but_in_that():
    scene = migration.run(objects=400, kills=2, outage=6, seed=random.SystemRandom().randrange(1 << 32), rate="400KB")
    assert scene.reads > 0 and scene.writes > 0
