# SPDX-License-Identifier: Apache-2.0
"""Directories of media that become assets."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

import pytest

from Support import pictures
from Support.pixault import Project, create_project
from Support.server import BINARY, Server, clean_environment, temporary_directory, wait_until


@pytest.fixture
def album():
    directory = temporary_directory()
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def shop(server) -> Project:
    return Project(server, create_project(server))


def run(server: Server, album: pathlib.Path, project: Project, *options: str):
    return server.command("import", "directory", str(album), "--project", project.name, *options)


def assets(server: Server, project: Project) -> list[dict]:
    return server.database.rows(
        "select id, file_name, folder, public_id, kind, width, inspected_version is not null as inspected from magpie.assets "
        f"where bucket_id = '{project.name}' and source_id is null order by folder, file_name"
    )


def fill(album: pathlib.Path) -> None:
    (album / "2020" / "deep").mkdir(parents=True)
    (album / "Red Boot.jpg").write_bytes(pictures.quarters())
    (album / "2020" / "Bär %.png").write_bytes(pictures.quarters(40, 30, "PNG"))
    (album / "2020" / "deep" / "c.webp").write_bytes(pictures.quarters(20, 30, "WEBP"))
    (album / "2020" / "same.png").write_bytes(pictures.quarters(40, 30, "PNG"))
    (album / "notes.txt").write_text("no media")
    (album / "empty.jpg").write_bytes(b"")


def test_media_become_assets(server, album, shop):
    fill(album)
    result = run(server, album, shop, "--folder", "from disk")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "4 imported" in result.stdout and "2 skipped" in result.stdout, result.stdout
    found = assets(server, shop)
    assert [row["file_name"] for row in found] == sorted(["Bär %.png", "Red Boot.jpg", "c.webp", "same.png"], key=str.encode)
    assert {row["folder"] for row in found} == {"from disk"} and all(row["inspected"] for row in found)
    boot = next(row for row in found if row["file_name"] == "Red Boot.jpg")
    assert boot["public_id"] == "red-boot" and boot["width"] == 400
    assert shop.fetch("red-boot/w_40.jpg").status == 200

    again = run(server, album, shop, "--folder", "from disk")
    assert again.returncode == 0 and "0 imported (0 B), 4 here already" in again.stdout, again.stdout


def test_directories_become_folders(server, album, shop):
    fill(album)
    assert run(server, album, shop, "--keep-paths", "--folder", "/disk/").returncode == 0
    assert {(row["folder"], row["file_name"]) for row in assets(server, shop)} == {
        ("disk", "Red Boot.jpg"), ("disk/2020", "Bär %.png"), ("disk/2020", "same.png"), ("disk/2020/deep", "c.webp"),
    }  # fmt: skip


def test_the_same_file_with_another_date_is_the_same(server, album, shop):
    (album / "a.jpg").write_bytes(pictures.quarters())
    assert run(server, album, shop).returncode == 0
    os.utime(album / "a.jpg", (1_000_000_000, 1_000_000_000))
    assert "1 here already" in run(server, album, shop).stdout
    (album / "a.jpg").write_bytes(pictures.quarters(50, 50))
    assert "1 imported" in run(server, album, shop).stdout
    assert len(assets(server, shop)) == 2


def test_a_dry_run_changes_nothing(server, album, shop):
    fill(album)
    result = run(server, album, shop, "--dry-run")
    assert result.returncode == 0 and "4 to be imported" in result.stdout
    assert assets(server, shop) == []


def test_what_fails_is_listed_and_the_rest_comes(server, album, shop):
    fill(album)
    (album / "broken.jpg").write_bytes(pictures.quarters()[:40] + b"\0" * 5000)
    (album / "a-broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 100)
    result = run(server, album, shop)
    assert result.returncode == 1 and "4 imported" in result.stdout and "2 failed" in result.stdout, result.stdout + result.stderr
    assert "broken.jpg: " in result.stderr and "a-broken.png: " in result.stderr


def test_links_are_not_followed(server, album, shop):
    elsewhere = temporary_directory()
    try:
        (elsewhere / "secret.jpg").write_bytes(pictures.quarters())
        (album / "link.jpg").symlink_to(elsewhere / "secret.jpg")
        (album / "linked").symlink_to(elsewhere)
        (album / "loop").symlink_to(album)
        os.mkfifo(album / "pipe.jpg")
        (album / "real.jpg").write_bytes(pictures.quarters())
        result = run(server, album, shop)
        assert result.returncode == 0 and "1 imported" in result.stdout, result.stdout + result.stderr
        assert [row["file_name"] for row in assets(server, shop)] == ["real.jpg"]
    finally:
        shutil.rmtree(elsewhere)


def test_unknown_projects_and_directories_are_said_in_one_line(server, album, shop):
    for arguments in ([str(album), "--project", "nobody"], [str(album / "nothing"), "--project", shop.name]):
        result = server.command("import", "directory", *arguments)
        assert result.returncode == 1 and len(result.stderr.splitlines()) == 1, result.stderr


def test_a_kill_in_the_middle_loses_and_doubles_nothing(server, album, shop):
    count = 200
    for number in range(count):
        (album / f"photo {number}.png").write_bytes(pictures.quarters(20 + number % 50, 20, "PNG"))
    command = [str(BINARY), "import", "directory", str(album), "--project", shop.name, "--data-dir", str(server.data)]
    for wanted in (10, 60, 110):
        process = subprocess.Popen(
            command, env=clean_environment(server.settings), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert wait_until(lambda: len(assets(server, shop)) >= wanted, 60)  # noqa: B023
        process.kill()
        process.wait()
    result = run(server, album, shop)
    assert result.returncode == 0, result.stderr
    assert sorted(row["file_name"] for row in assets(server, shop)) == sorted(f"photo {number}.png" for number in range(count))


def test_an_import_needs_no_server(album):
    (album / "a.jpg").write_bytes(pictures.quarters())
    server = Server()
    try:
        created = server.command("project", "create", "shop")
        assert created.returncode == 0, created.stderr
        result = server.command("import", "directory", str(album), "--project", "shop")
        assert result.returncode == 0, result.stderr
        server.start()
        assert server.database.value("select file_name from magpie.assets where bucket_id = 'shop'") == "a.jpg"
    finally:
        server.close()
