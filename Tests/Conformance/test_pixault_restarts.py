# SPDX-License-Identifier: Apache-2.0
"""Work on assets survives the server."""

from __future__ import annotations

import time

from Support.pixault import Project, create_project, eps
from Support.server import Server, wait_until

PAGES = 6


def test_a_document_is_finished_after_a_crash_without_duplicates():
    # Each page takes a while, so that the crash comes in between.
    page = "0 1 3000 { pop 0 0 100 50 rectfill } for {} setrgbcolor 10 10 80 30 rectfill"
    document = eps(tuple(page.replace("{} setrgbcolor", f"{number / PAGES} 0 0 setrgbcolor") for number in range(PAGES)))
    with Server() as server:
        project = Project(server, create_project(server))
        made = project.upload(document, filename="book.eps")
        status = f"{made['imageId']}/processing-status"
        assert wait_until(lambda: project.get(status).json()["processedAssets"] >= 1, 60)
        server.kill()
        server.start()
        project = Project(server, project.keys)
        before = project.get(status).json()
        assert before["status"] in ("Pending", "Running", "Discovering") and before["processedAssets"] < PAGES
        state = project.wait_for_job(made["imageId"], 120)
        assert state["status"] == "Completed" and state["id"] == made["processingJobId"]
        assert (state["totalAssets"], state["succeededAssets"], state["failedAssets"]) == (PAGES, PAGES, 0)
        derived = project.get(f"{made['imageId']}/derived").json()
        assert [page["derivationType"] for page in derived] == [f"page-{number}" for number in range(1, PAGES + 1)]
        assert len(set(project.names("?includeDerived=true&limit=100"))) == PAGES + 1
        # Nothing of the conversion that was cut off is left.
        scratch = server.data / "scratch"
        time.sleep(0.5)
        assert not [path for path in scratch.rglob("*") if path.is_file() and path.stat().st_size > 4096]
