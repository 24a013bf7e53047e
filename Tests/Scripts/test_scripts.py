# SPDX-License-Identifier: Apache-2.0
"""The project's own checks can fail: each is given what it must refuse, once."""

import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(script: str, *arguments: str, root: pathlib.Path = ROOT) -> subprocess.CompletedProcess:
    return subprocess.run([str(root / "scripts" / script), *arguments], capture_output=True, text=True, timeout=60)


@pytest.fixture
def tree(tmp_path: pathlib.Path) -> pathlib.Path:
    """A copy of the sources, the documents and the scripts, to be broken."""
    for folder in ("Sources", "docs", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for page in ROOT.glob("*.md"):
        shutil.copy(page, tmp_path)
    shutil.copy(ROOT / "LICENSE", tmp_path)
    for folder in ("Tests", "Benchmarks", "Sources"):
        (tmp_path / folder).mkdir(exist_ok=True)
    return tmp_path


def write(path: pathlib.Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("// SPDX-License-Identifier: Apache-2.0\n\n" + text)


def test_the_project_has_no_arrow_that_points_up_or_sideways():
    result = run("check-layers")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("MediaCore/Model/Wrong.swift", "import Hummingbird", "MediaCore must not import Hummingbird"),
        (
            "MediaCore/Wrong.swift",
            "public import struct NIOPosix.MultiThreadedEventLoopGroup",
            "MediaCore must not import NIOPosix",
        ),
        ("MediaCore/Wrong.swift", "import PostgresMetadata", "MediaCore must not import PostgresMetadata"),
        ("BlobStores/Local/Wrong.swift", "import PostgresMetadata", "BlobStores must not import PostgresMetadata"),
        ("PostgresMetadata/Wrong.swift", "@preconcurrency import BlobStores", "PostgresMetadata must not import BlobStores"),
        ("HTTPFrontends/Shared/Wrong.swift", "internal import BlobStores", "HTTPFrontends must not import BlobStores"),
        ("WireFormats/Wrong.swift", "import MediaCore", "WireFormats must not import MediaCore"),
        ("MediaTesting/Wrong.swift", "import Testing", "MediaTesting must not import Testing"),
        ("Unknown/Wrong.swift", "import NIOCore", "the target Unknown has no row"),
        (
            "MediaCore/Wrong.swift",
            'let home = ProcessInfo.processInfo.environment["HOME"]',
            "only Sources/magpie reads the environment",
        ),
        ("BlobStores/Wrong.swift", 'let home = getenv("HOME")', "only Sources/magpie reads the environment"),
    ],
)
def test_a_wrong_arrow_is_refused(tree, file, line, complaint):
    write(tree / "Sources" / file, line + "\n")
    result = run("check-layers", str(tree))
    assert result.returncode == 1
    assert complaint in result.stderr


def test_a_front_end_that_names_a_type_of_another_is_refused(tree):
    write(tree / "Sources/HTTPFrontends/Magenta/MagentaWire.swift", "struct MagentaWire {}\n")
    write(tree / "Sources/HTTPFrontends/Cyan/CyanRoutes.swift", "struct CyanRoutes { var wire = MagentaWire() }\n")
    result = run("check-layers", str(tree))
    assert result.returncode == 1
    assert "HTTPFrontends/Cyan must not name MagentaWire of HTTPFrontends/Magenta" in result.stderr


def test_a_type_of_another_front_end_in_a_comment_or_a_string_is_no_arrow(tree):
    write(tree / "Sources/HTTPFrontends/Magenta/MagentaWire.swift", "struct MagentaWire {}\n")
    write(tree / "Sources/HTTPFrontends/Cyan/CyanRoutes.swift", '// unlike MagentaWire\nlet text = "MagentaWire"\n')
    assert run("check-layers", str(tree)).returncode == 0


def test_an_import_inside_a_comment_is_no_arrow(tree):
    write(tree / "Sources/MediaCore/Right.swift", "/* for example\nimport Hummingbird\n*/\n")
    assert run("check-layers", str(tree)).returncode == 0


def test_a_tree_without_sources_does_not_pass_the_layer_check(tmp_path):
    (tmp_path / "Sources").mkdir()
    assert run("check-layers", str(tmp_path)).returncode == 1


def test_every_link_in_the_documents_leads_somewhere_and_every_setting_is_described():
    result = run("check-documents")
    assert result.returncode == 0, result.stderr


def test_a_link_that_leads_nowhere_is_refused(tree):
    (tree / "docs" / "wrong.md").write_text("[a page](missing.md)\n")
    result = run("check-documents", str(tree))
    assert result.returncode == 1
    assert "missing.md leads nowhere" in result.stderr


def declare(tree: pathlib.Path, declaration: str) -> None:
    source = tree / "Sources/magpie/Configuration/Setting.swift"
    source.write_text(source.read_text() + declaration + "\n")


def test_a_setting_without_a_row_is_refused(tree):
    declare(tree, 'let more = Setting(name: "SOMETHING_NEW", fallback: "", meaning: "New.")')
    result = run("check-documents", str(tree))
    assert result.returncode == 1
    assert "MAGPIE_SOMETHING_NEW is in the code and has no row" in result.stderr


def test_a_default_that_differs_from_the_code_is_refused(tree):
    page = tree / "docs/configuration.md"
    page.write_text(page.read_text().replace("| `5000` |", "| `8080` |"))
    result = run("check-documents", str(tree))
    assert result.returncode == 1
    assert "the default of MAGPIE_PORT is '5000' in the code, not '8080'" in result.stderr


def test_a_setting_that_the_code_does_not_know_is_refused(tree):
    (tree / "docs" / "wrong.md").write_text("Set `MAGPIE_" + "IMAGINED`.\n")
    result = run("check-documents", str(tree))
    assert result.returncode == 1
    assert "is not in the code" in result.stderr


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("-----BEGIN " + "PRIVATE KEY-----", "a private key"),
        ('let path = "/ro' + 'ot/data"', "a path of one machine"),
        ("// TO" + "DO: later", "unfinished work"),
    ],
)
def test_a_text_that_must_not_be_published_is_refused(tree, text, complaint):
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    write(tree / "Sources/magpie/Wrong.swift", text + "\n")
    result = run("check-texts", root=tree)
    assert result.returncode == 1
    assert complaint in result.stderr


REPORT = """<testsuites><testsuite name="s">{cases}</testsuite></testsuites>"""


@pytest.mark.parametrize(
    ("cases", "last_line", "code"),
    [
        ('<testcase name="a"/><testcase name="b"/>', "2 passed, 0 failed", 0),
        ('<testcase name="a"/><testcase name="b"><failure message="no"/></testcase>', "1 passed, 1 failed", 1),
        ('<testcase name="a"><error message="no"/></testcase>', "0 passed, 1 failed", 1),
        ('<testcase name="a"/><testcase name="b"><skipped/></testcase>', "1 passed, 0 failed", 0),
        ("", "0 passed, 1 failed", 1),
    ],
)
def test_the_last_line_counts_the_tests(tmp_path, cases, last_line, code):
    (tmp_path / "suite.xml").write_text(REPORT.format(cases=cases))
    result = run("count-tests", str(tmp_path), "suite")
    assert result.stdout.splitlines()[-1] == last_line
    assert result.returncode == code


def test_a_suite_without_a_report_is_a_failure(tmp_path):
    (tmp_path / "one.xml").write_text(REPORT.format(cases='<testcase name="a"/>'))
    result = run("count-tests", str(tmp_path), "one", "other")
    assert result.stdout.splitlines()[-1] == "1 passed, 1 failed"
    assert result.returncode == 1
