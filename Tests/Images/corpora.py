# SPDX-License-Identifier: Apache-2.0
"""Foreign images to run through the engine: the test files of Pillow and pillow-heif, as their source packages carry them.

They are fetched with pip into .build/image-corpora once, and never become part of the project.
"""

import pathlib
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
STORE = ROOT / ".build" / "image-corpora"
PACKAGES = {"pillow": "12.3.0", "pillow-heif": "1.8.1"}
# What is no image at all, even by intention.
NO_IMAGES = {".py", ".txt", ".md", ".ttf", ".otf", ".pcf", ".bdf", ".pil", ".pbm.gz", ".json", ".toml", ".cfg", ".c", ".h", ".pyi"}


def fetch(store: pathlib.Path = STORE) -> pathlib.Path:
    """The folder with one folder for each package. Downloads what is missing."""
    store.mkdir(parents=True, exist_ok=True)
    for name, version in PACKAGES.items():
        target = store / name
        if target.is_dir():
            continue
        downloads = store / "downloads"
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
            + ["--no-binary", name, "--dest", str(downloads), f"{name}=={version}"],
            check=True,
            timeout=600,
            stdin=subprocess.DEVNULL,
        )
        archive = next(downloads.glob(f"{name.replace('-', '[-_]')}-*.tar.gz"))
        unfinished = store / f"{name}.unfinished"
        with tarfile.open(archive) as packed:
            packed.extractall(unfinished, filter="data")
        unfinished.rename(target)
    return store


def files(store: pathlib.Path = STORE) -> list[pathlib.Path]:
    """All files of the packages' test folders."""
    found = [
        path
        for path in sorted(fetch(store).rglob("*"))
        if path.is_file() and "tests" in {part.lower() for part in path.parts} and path.suffix.lower() not in NO_IMAGES
    ]
    if len(found) < 500:
        raise RuntimeError(f"only {len(found)} files found in {store}")
    return found
