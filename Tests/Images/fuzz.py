#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fuzz.py [--minutes N] [--seconds N] [--seed N] [--workers N] [--corpora]: damaged images against the real engine.

Takes whole files, damages them (bits, bytes, numbers that decoders believe, cuts, doublings, pieces of other files), and gives them to a
long-living engine. An input that ends the engine, or that it does not answer, is kept under .build/image-crashes and fails the run. Without
--corpora the files are made by the engine itself, one of each format.
"""

import argparse
import collections
import concurrent.futures
import pathlib
import random
import sys
import tempfile
import time

import corpora
import probe
import samples

CRASHES = corpora.ROOT / ".build" / "image-crashes"
RECIPES = [
    "w=40,format=webp",
    "w=40,h=40,trim=10,format=png",
    "w=30,h=50,gravity=attention,rotate=90,format=jpeg",
    "w=60,blur=3,radius=5,format=gif",
    "w=32,format=avif",
    "metadata=keep,w=50,format=jpeg",
    "format=information",
]
LARGEST = 300_000
NUMBERS = [0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFF, 0x8000, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x10000]


def damage(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """One to six damages of the kinds named above, more of them near the start, where the headers are."""
    broken = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 2, 3, 6])):
        if not broken:
            break
        near = min(len(broken), 512) if chance.random() < 0.5 else len(broken)
        place = chance.randrange(near)
        kind = chance.randrange(8)
        if kind == 0:
            broken[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            broken[place] = chance.randrange(256)
        elif kind == 2:
            width = chance.choice([1, 2, 4])
            order = chance.choice(["big", "little"])
            broken[place : place + width] = (chance.choice(NUMBERS) & (256**width - 1)).to_bytes(width, order)
        elif kind == 3:
            del broken[chance.randrange(len(broken)) :]
        elif kind == 4:
            del broken[place : place + chance.randrange(1, 64)]
        elif kind == 5:
            length = chance.randrange(1, 256)
            broken[place:place] = broken[place : place + length] * chance.choice([1, 2, 20])
        elif kind == 6:
            other = chance.choice(others)
            start = chance.randrange(len(other))
            piece = other[start : start + chance.randrange(1, 4096)]
            broken[place : place + len(piece)] = piece
        else:
            for index in range(place, min(place + chance.randrange(1, 32), len(broken))):
                broken[index] = chance.randrange(256)
    return bytes(broken)


def work(number: int, seed: int, until: float, seeds: list[bytes]) -> tuple[collections.Counter, list[str]]:
    chance = random.Random(seed * 1000 + number)
    results, problems = collections.Counter(), []
    engines = [probe.Probe("--transform", recipe, "--timeout", "10000", "--threads", "1") for recipe in RECIPES]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "input"
        while time.monotonic() < until:
            path.write_bytes(damage(chance.choice(seeds), seeds, chance))
            engine = chance.choice(engines)
            try:
                answer = engine.ask(path)
                results[answer.get("error") or answer["type"]] += 1
            except probe.ProbeDied as death:
                CRASHES.mkdir(parents=True, exist_ok=True)
                kept = CRASHES / f"{seed}-{number}-{sum(results.values())}"
                kept.write_bytes(path.read_bytes())
                problems.append(f"{kept}: the engine {death} with {engine.options[1]}")
                results["died"] += 1
        for engine in engines:
            engine.stop()
    return results, problems


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--minutes", type=float, default=0)
    arguments.add_argument("--seconds", type=float, default=30)
    arguments.add_argument("--seed", type=int, default=int(time.time()))
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--corpora", action="store_true")
    options = arguments.parse_args()
    seconds = options.minutes * 60 or options.seconds
    seeds = [data for data in samples.files() if len(data) <= LARGEST]
    if options.corpora:
        seeds += [path.read_bytes() for path in corpora.files() if 0 < path.stat().st_size <= LARGEST]
    print(f"fuzz: seed {options.seed}, {len(seeds)} files, {seconds:.0f} s", flush=True)
    until = time.monotonic() + seconds
    results, problems = collections.Counter(), []
    with concurrent.futures.ThreadPoolExecutor(options.workers) as pool:
        runs = [pool.submit(work, number, options.seed, until, seeds) for number in range(options.workers)]
        for run in runs:
            counted, found = run.result()
            results += counted
            problems += found
    total = sum(results.values())
    print(f"fuzz: {total} inputs: " + ", ".join(f"{name} {count}" for name, count in results.most_common()))
    for problem in problems:
        print(problem, file=sys.stderr)
    if total == 0:
        print("fuzz: nothing was run", file=sys.stderr)
    return 1 if problems or total == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
