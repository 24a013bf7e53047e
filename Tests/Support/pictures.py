# SPDX-License-Identifier: Apache-2.0
"""Pictures whose every part can be told by its colour, and a look at what was made of them."""

from __future__ import annotations

import io

from PIL import Image

RED, GREEN, BLUE, YELLOW, WHITE = (230, 20, 20), (20, 180, 20), (20, 20, 230), (240, 230, 20), (255, 255, 255)
JPEG, PNG, WEBP, AVIF, GIF = "image/jpeg", "image/png", "image/webp", "image/avif", "image/gif"


def quarters(width: int = 400, height: int = 300, form: str = "JPEG", mode: str = "RGB") -> bytes:
    """Red, green, blue and yellow: upper left, upper right, lower left, lower right."""
    picture = Image.new(mode, (width, height), RED)
    picture.paste(GREEN, (width // 2, 0, width, height // 2))
    picture.paste(BLUE, (0, height // 2, width // 2, height))
    picture.paste(YELLOW, (width // 2, height // 2, width, height))
    return encoded(picture, form)


def encoded(picture: Image.Image, form: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **({"quality": 95, "subsampling": 0} if form == "JPEG" else {}))
    return buffer.getvalue()


def opened(body: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(body))
    picture.load()
    return picture


def color_at(body: bytes, across: float, down: float) -> tuple[int, int, int]:
    """The colour at a place given in parts of the sides."""
    picture = opened(body).convert("RGB")
    return picture.getpixel((min(int(across * picture.width), picture.width - 1), min(int(down * picture.height), picture.height - 1)))


def is_like(color: tuple[int, int, int], other: tuple[int, int, int], tolerance: int = 40) -> bool:
    return all(abs(one - two) <= tolerance for one, two in zip(color, other))
