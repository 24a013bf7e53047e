#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""corpus.py: every file of the corpora ends as an image or as an error that says so; nothing crashes, hangs or eats the memory.

Prints what became of how many, the slowest ones and the peak of memory. Fails when the engine dies, when a file takes longer than its deadline
and what one codec call may take, or when memory passes the bound.
"""

import collections
import sys

import corpora
import probe

# A HEIC of 12 megapixels with 10 bits and its decoder take most of it.
MOST_MEGABYTES = 600
TIMEOUT_MS = 15_000
RECIPES = ["w=200,h=200,format=webp", "w=64,trim=10,rotate=90,format=avif", "gravity=attention,w=50,h=50,format=gif", "format=information"]


def main() -> int:
    files = corpora.files()
    problems, peak = [], 0
    for recipe in RECIPES:
        engine = probe.Probe("--transform", recipe, "--timeout", str(TIMEOUT_MS))
        results, slowest = collections.Counter(), []
        for path in files:
            try:
                answer = engine.ask(path, seconds=60)
            except probe.ProbeDied as death:
                problems.append(f"{path}: the engine {death} with {recipe}")
                continue
            results[answer.get("error") or answer["type"]] += 1
            slowest.append((answer["milliseconds"], path.name))
            peak = max(peak, answer["peakMegabytes"])
        engine.stop()
        slowest.sort(reverse=True)
        print(f"{recipe}: {len(files)} files: " + ", ".join(f"{name} {count}" for name, count in results.most_common()))
        print("  slowest: " + ", ".join(f"{name} {int(ms)} ms" for ms, name in slowest[:3]))
        problems += [f"{name}: took {int(ms)} ms with {recipe}" for ms, name in slowest if ms > 2 * TIMEOUT_MS]
    print(f"peak memory: {peak} MB")
    if peak > MOST_MEGABYTES:
        problems.append(f"{peak} MB of memory, more than {MOST_MEGABYTES}")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
