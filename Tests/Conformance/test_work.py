# SPDX-License-Identifier: Apache-2.0
"""`magpie work`: a process that only runs jobs, beside the server that it belongs to."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import uuid
from collections.abc import Iterator

from Support.server import BINARY, Server, clean_environment, embedded_processes, wait_until


@contextlib.contextmanager
def worker(server: Server, **settings: str) -> Iterator[subprocess.Popen]:
    """A worker on the data directory and database of a server."""
    log = server.home / "worker.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(BINARY), "work", "--data-dir", str(server.data)],
            env=clean_environment({**server.settings, **settings}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=server.home,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def listeners(database) -> int:
    """How many processes follow the changes of a database."""
    return int(database.value("select count(*) from pg_stat_activity where query like 'LISTEN %'"))


def ended(process: subprocess.Popen, seconds: float = 20) -> int | None:
    return process.returncode if wait_until(lambda: process.poll() is not None, seconds) else None


def refusal(server: Server, *arguments: str) -> str:
    result = server.command("work", *arguments, timeout=30)
    assert result.returncode == 1, result
    assert "Fatal" not in result.stderr and len(result.stderr.splitlines()) == 1, result.stderr
    return result.stderr


def test_a_worker_joins_the_private_database_and_leaves_it_running():
    with Server({"MAGPIE_JOB_WORKERS": "0"}) as server:
        before = listeners(server.database)
        with worker(server, MAGPIE_JOB_WORKERS="2") as process:
            assert wait_until(lambda: listeners(server.database) == before + 1, 30)
            process.send_signal(signal.SIGTERM)
            assert ended(process) == 0
        assert server.is_ready()
        assert server.database.value("select 1") == "1"


def test_a_worker_joins_an_external_database(cluster):
    database, url = cluster.create()
    with Server({"MAGPIE_DATABASE_URL": url}) as server:
        before = listeners(database)
        with worker(server) as first, worker(server) as second:
            assert wait_until(lambda: listeners(database) == before + 2, 30)
            for process in (first, second):
                process.send_signal(signal.SIGINT)
                assert ended(process) == 0
        assert server.is_ready()


def test_a_worker_survives_a_restart_of_its_server():
    with Server() as server:
        before = listeners(server.database)
        with worker(server) as process:
            assert wait_until(lambda: listeners(server.database) == before + 1, 30)
            assert server.stop() == 0
            server.start()
            assert wait_until(lambda: listeners(server.database) == before + 1, 30)
            assert process.poll() is None


def test_a_job_that_nobody_can_run_waits():
    with Server() as server:
        server.database.run("select magpie.enqueue_job('of-a-later-version')")
        server.stop()
        server.start()
        (line,) = server.command("jobs", "list", "--status", "Pending").stdout.splitlines()
        assert "  of-a-later-version  Pending  0/?  0/5  -  -  " in line
        job = line.split()[0]
        assert "of-a-later-version" in server.command("jobs", "show", job).stdout
        rows = server.database.rows("select kind, status, attempts from magpie.jobs")
        assert rows == [{"kind": "of-a-later-version", "status": "Pending", "attempts": 0}]
        assert server.command("jobs", "cancel", job).stdout == "Cancelled\n"
        assert server.command("jobs", "list", "--status", "Pending").stdout == ""
        assert "Cancelled" in server.command("jobs", "show", job).stdout
        for unknown in (str(uuid.uuid4()), "x"):
            assert unknown in server.command("jobs", "cancel", unknown).stderr


def test_without_a_server_there_is_nothing_to_work_for():
    server = Server()
    try:
        assert "there is no store" in refusal(server)
        assert not server.data.exists()
        server.start()
        server.stop()
        assert "no server runs" in refusal(server)
        assert embedded_processes(server.data) == []
        assert "MAGPIE_JOB_WORKERS" in refusal(server, "--workers", "0")
    finally:
        server.close()


def test_a_worker_does_not_take_another_databases_store(cluster):
    with Server() as server:
        _, url = cluster.create()
        wrong = Server({"MAGPIE_DATABASE_URL": url}, home=server.home)
        assert "schema mismatch" in refusal(wrong)
        assert wrong.command("migrate").returncode == 0
        assert "belongs to another database" in refusal(wrong)
