#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""golden.py: every picture of the corpora, made small by the engine and by Pillow, looks the same.

Pillow (with pillow-heif for HEIC) decodes the file, turns it as its EXIF says, brings it to sRGB by its profile and resizes it with a Lanczos
kernel; the engine does all of that in another order and with other libraries. The sizes have to be those of the documented rules, to the pixel. The
distance has two parts, in steps of 255, over red, green, blue and transparency, with the colours on grey where something is transparent:

- the mean of the absolute differences: what a wrong colour space, kernel or orientation changes everywhere;
- the largest mean of any block of 8 x 8 pixels: what is wrong in one place only, and drowns in the mean.

JPEG and WebP may be a little further away than the others: the engine lets their decoders make them small, which costs some sharpness, and Pillow here
does not. What legitimately differs more, or is read by one of both only, is listed in golden_exceptions.py with the reason; an entry that is no longer
needed is an error, too.
"""

from __future__ import annotations

import io
import pathlib
import sys
import tempfile
import warnings

import corpora
import pillow_heif
import probe
from PIL import Image, ImageChops, ImageCms, ImageOps, ImageStat

from golden_exceptions import DIFFERENT, ONLY_HERE, ONLY_PILLOW

# The mean, and that of the worst block, at most.
TOLERANCE = (3.0, 16.0)
TOLERANCE_DECODED_SMALL = (5.0, 20.0)
BLOCK_SIDE = 8
# Width, height and fit.
RECIPES = [(64, 64, "contain"), (200, 100, "cover"), (100, 64, "fill"), (90, 120, "pad")]
# What both read.
FORMATS = {"JPEG", "MPO", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "HEIF"}
# Of each recipe there were more; a corpus or an engine that suddenly gives fewer would prove little.
LEAST = 300
DECODED_SMALL = {"JPEG", "MPO", "WEBP"}
SRGB = ImageCms.createProfile("sRGB")


class Unreadable(Exception):
    """Pillow can't read a file, or it is of a kind that is not read here."""


def in_srgb(image: Image.Image) -> Image.Image:
    """8 bits, red, green, blue and transparency."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I;16"):
        image = image.convert("I").point(lambda value: value / 257).convert("L")
    if profile and image.mode in {"RGB", "RGBA", "CMYK", "L"}:
        alpha = image.getchannel("A") if image.mode == "RGBA" else None
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            colours = image.convert("RGB") if alpha else image
            image = ImageCms.profileToProfile(
                colours, source, SRGB, ImageCms.Intent.RELATIVE_COLORIMETRIC, "RGB", flags=ImageCms.Flags.BLACKPOINTCOMPENSATION
            )
        except (ImageCms.PyCMSError, OSError):
            # The engine does without a profile that does not work, too.
            pass
        if alpha:
            image.putalpha(alpha)
    return image.convert("RGBA")


def reference(path: pathlib.Path) -> tuple[Image.Image, str]:
    """The first picture, upright, and its format."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                if image.format not in FORMATS:
                    raise Unreadable(image.format)
                image.load()
                return in_srgb(ImageOps.exif_transpose(image)), image.format
    except Unreadable:
        raise
    # Its plugins let nearly everything through that goes wrong in them.
    except Exception as error:
        raise Unreadable(repr(error)) from error


def rounded(value: float) -> int:
    """As Swift rounds: halves away from zero."""
    return max(int(value + 0.5), 1)


def fitted(image: Image.Image, width: int, height: int, fit: str) -> Image.Image:
    """By the rules of docs/compatibility.md: nothing is enlarged, and a box that would have to be shrinks in its ratio."""

    def resized(size: tuple[int, int]) -> Image.Image:
        # Colours of what is transparent do not count.
        return image if size == image.size else image.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")

    across, down = width / image.width, height / image.height
    if fit in {"contain", "pad"}:
        factor = min(across, down, 1)
        small = resized((min(rounded(image.width * factor), width), min(rounded(image.height * factor), height)))
        if fit == "contain":
            return small
        canvas = Image.new("RGBA", (width, height))
        canvas.paste(small, ((width - small.width) // 2, (height - small.height) // 2))
        return canvas
    excess = max(across, down, 1)
    box = (width, height) if excess == 1 else (rounded(width / excess), rounded(height / excess))
    if fit == "fill":
        return resized(box)
    factor = max(box[0] / image.width, box[1] / image.height)
    large = resized((max(rounded(image.width * factor), box[0]), max(rounded(image.height * factor), box[1])))
    left, top = (large.width - box[0]) // 2, (large.height - box[1]) // 2
    return large.crop((left, top, left + box[0], top + box[1]))


def distance(ours: Image.Image, theirs: Image.Image) -> tuple[float, float]:
    """The mean of all, and the mean of the worst block."""
    ours, theirs = ours.convert("RGBA"), theirs.convert("RGBA")
    grey = Image.new("RGBA", ours.size, (128, 128, 128, 255))
    colours = ImageChops.difference(
        Image.alpha_composite(grey, ours).convert("RGB"), Image.alpha_composite(grey, theirs).convert("RGB")
    )
    planes = [*colours.split(), ImageChops.difference(ours.getchannel("A"), theirs.getchannel("A"))]
    blocks = (max(ours.width // BLOCK_SIDE, 1), max(ours.height // BLOCK_SIDE, 1))
    means = [ImageStat.Stat(plane).mean[0] for plane in planes]
    worst = [plane.resize(blocks, Image.Resampling.BOX).getextrema()[1] for plane in planes]
    return max(means), max(worst)


class Comparison:
    """One recipe over all files."""

    def __init__(self, width: int, height: int, fit: str):
        self.width, self.height, self.fit = width, height, fit
        self.folder = tempfile.TemporaryDirectory(prefix="magpie-golden-")
        transform = f"w={width},h={height},fit={fit},format=png"
        self.engine = probe.Probe("--transform", transform, "--timeout", "30000", "--output", self.folder.name)
        self.compared = 0
        self.worst = (0.0, 0.0)
        self.problems: list[str] = []
        self.seen: set[tuple[str, str]] = set()

    def run(self, files: list[pathlib.Path]) -> None:
        for path in files:
            self.compare(path)
        self.engine.stop()
        self.folder.cleanup()

    def compare(self, path: pathlib.Path) -> None:
        name = path.name
        try:
            picture, source = reference(path)
        except Unreadable as error:
            picture, source = None, str(error)
        answer = self.engine.ask(path)
        if picture is None:
            if "type" in answer:
                self.differs("here", name, ONLY_HERE, f"is read here and not by Pillow ({source})")
            return
        if "type" not in answer:
            self.differs("pillow", name, ONLY_PILLOW, f"is read by Pillow and not here ({answer['error']}: {answer.get('cause')})")
            return
        self.look(path, fitted(picture, self.width, self.height, self.fit), source)

    def look(self, path: pathlib.Path, expected: Image.Image, source: str) -> None:
        result = pathlib.Path(self.folder.name) / f"{path.name}.png"
        with Image.open(result) as ours:
            ours.load()
        result.unlink()
        if ours.format != "PNG" or ours.size != expected.size:
            self.problems.append(f"{path.name}: {ours.format} of {ours.size} where {expected.size} is right, {self.fit}")
            return
        mean, block = distance(ours, expected)
        most = TOLERANCE_DECODED_SMALL if source in DECODED_SMALL else TOLERANCE
        if mean > most[0] or block > most[1]:
            self.differs("different", path.name, DIFFERENT, f"differs by {mean:.1f}, in one block by {block:.0f}, {self.fit}")
            return
        self.compared += 1
        self.worst = (max(self.worst[0], mean), max(self.worst[1], block))

    def differs(self, kind: str, name: str, known: dict[str, str], problem: str) -> None:
        self.seen.add((kind, name))
        if name not in known:
            self.problems.append(f"{name}: {problem}")


def main() -> int:
    pillow_heif.register_heif_opener()
    files = corpora.files()
    problems: list[str] = []
    seen: set[tuple[str, str]] = set()
    for recipe in RECIPES:
        comparison = Comparison(*recipe)
        comparison.run(files)
        print(
            f"{recipe[2]} {recipe[0]} x {recipe[1]}: {comparison.compared} pictures alike, the furthest by {comparison.worst[0]:.2f}, "
            f"in one block by {comparison.worst[1]:.0f}",
            flush=True,
        )
        if comparison.compared < LEAST:
            problems.append(f"only {comparison.compared} pictures were compared, fewer than {LEAST}")
        problems += comparison.problems
        seen |= comparison.seen
    for kind, known in (("here", ONLY_HERE), ("pillow", ONLY_PILLOW), ("different", DIFFERENT)):
        problems += [f"{name}: is listed and no longer differs" for name in sorted(known) if (kind, name) not in seen]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
