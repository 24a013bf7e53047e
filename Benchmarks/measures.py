# SPDX-License-Identifier: Apache-2.0
"""What is measured: throughput with wrk and curl, processor time and memory from /proc."""

from __future__ import annotations

import dataclasses
import http.client
import os
import pathlib
import re
import subprocess
import time
import urllib.parse

from Support.server import HOST

TICK = os.sysconf("SC_CLK_TCK")
LUA = pathlib.Path(__file__).with_name("requests.lua")


@dataclasses.dataclass(frozen=True)
class Sample:
    """One measurement of one server."""

    # Requests or MB (10^6 bytes) a second; milliseconds for a list.
    value: float
    # Of the server and its children, in microseconds a request (a MB for large objects).
    cpu: float


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # ended meanwhile
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [pid]
    while queue:
        current = queue.pop()
        found.append(current)
        queue += parents.get(current, [])
    return found


def cpu_seconds(pid: int) -> float:
    """Processor time of a process, its living descendants, and those it has waited for."""
    total = 0
    for member in family(pid):
        try:
            fields = pathlib.Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
        if member == pid:
            total += int(fields[13]) + int(fields[14])
    return total / TICK


def memory(pid: int, field: str) -> float:
    """A field of /proc/PID/status in MB."""
    match = re.search(rf"^{field}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(match[1]) * 1024 / 1e6 if match else 0


def reset_peak(pid: int) -> None:
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def wrk(
    peer,
    seconds: float,
    target: str = "/",
    heads: list[str] | None = None,
    body: pathlib.Path | None = None,
    scratch: pathlib.Path | None = None,
    connections: int = 16,
) -> Sample:
    """Requests a second. Throws when an answer was not 2xx."""
    command = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", f"http://{HOST}:{peer.port}{target}"]
    if heads is not None:
        assert scratch is not None
        file = scratch / "heads"
        file.write_text("".join(head + "\x1e\n" for head in heads), newline="")
        command[1:1] = ["-s", str(LUA)]
        command += ["--", str(file), *([str(body)] if body else [])]
    before = cpu_seconds(peer.pid)
    output = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL).stdout
    spent = cpu_seconds(peer.pid) - before
    count = int(re.search(r"(\d+) requests in", output)[1])
    if count == 0 or "Non-2xx" in output or re.search(r"Socket errors: .*(read|connect|timeout) [1-9]", output):
        raise RuntimeError(f"{peer.name}: {output}")
    return Sample(float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1]), spent / count * 1e6)


def download(peer, path: str, megabytes: float, times: int) -> Sample:
    """MB a second of one curl after the other."""
    before, speeds = cpu_seconds(peer.pid), []
    for _ in range(times):
        output = subprocess.run(
            [
                "curl",
                "-sS",
                "-f",
                "-o",
                "/dev/null",
                "-w",
                "%{speed_download} %{size_download}",
                f"http://{HOST}:{peer.port}{path}",
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        if int(output[1]) != int(megabytes * 1e6):
            raise RuntimeError(f"{peer.name}: {output[1]} bytes came")
        speeds.append(float(output[0]) / 1e6)
    return Sample(sorted(speeds)[times // 2], (cpu_seconds(peer.pid) - before) / (megabytes * times) * 1e6)


def upload_command(peer, head: str, file: pathlib.Path) -> list[str]:
    """curl, with a request head made beforehand."""
    line, *fields = head.strip().split("\r\n")
    method, path, _ = line.split(" ")
    headers = [part for field in fields if not field.lower().startswith(("content-length:", "host:")) for part in ("-H", field)]
    return [
        "curl",
        "-sS",
        "-f",
        "-o",
        "/dev/null",
        "-w",
        "%{speed_upload}",
        "-X",
        method,
        "-T",
        str(file),
        "-H",
        "Expect:",
        *headers,
        f"http://{HOST}:{peer.port}{path}",
    ]


def upload(peer, heads: list[str], file: pathlib.Path) -> Sample:
    """MB a second of one curl after the other."""
    before, speeds = cpu_seconds(peer.pid), []
    megabytes = file.stat().st_size / 1e6
    for head in heads:
        output = subprocess.run(upload_command(peer, head, file), capture_output=True, text=True, check=True).stdout
        speeds.append(float(output) / 1e6)
    return Sample(sorted(speeds)[len(heads) // 2], (cpu_seconds(peer.pid) - before) / (megabytes * len(heads)) * 1e6)


def upload_at_once(peer, heads: list[str], file: pathlib.Path) -> float:
    """Peak resident memory of the server process in MB while all heads are sent at the same time, each with the file."""
    reset_peak(peer.pid)
    uploads = [
        subprocess.Popen(upload_command(peer, head, file), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for head in heads
    ]
    failed = [process.stderr.read() for process in uploads if process.wait() != 0]
    if failed:
        raise RuntimeError(f"{peer.name}: {len(failed)} of {len(heads)} uploads failed: {failed[0]!r}")
    return memory(peer.pid, "VmHWM")


def median_milliseconds(call, times: int) -> float:
    """The median duration of a call."""
    durations = []
    for _ in range(times):
        begin = time.perf_counter()
        call()
        durations.append((time.perf_counter() - begin) * 1e3)
    return sorted(durations)[times // 2]


def tus(peer, keys: list[str], body: bytes, chunk: int) -> Sample:
    """MB a second of one TUS upload after the other, over one connection, in chunks."""
    before, speeds = cpu_seconds(peer.pid), []
    for key in keys:
        port, path, fields = peer.tus_upload(key, len(body))
        connection = http.client.HTTPConnection(HOST, port, timeout=60)
        begin = time.perf_counter()
        fields = {"Tus-Resumable": "1.0.0", **fields}
        location = urllib.parse.urlsplit(tus_request(connection, "POST", path, 201, fields, b"")["Location"]).path
        for offset in range(0, len(body), chunk):
            headers = {**fields, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
            headers = {name: value for name, value in headers.items() if name not in ("Upload-Length", "Upload-Metadata")}
            tus_request(connection, "PATCH", location, 204, headers, body[offset : offset + chunk])
        speeds.append(len(body) / 1e6 / (time.perf_counter() - begin))
        connection.close()
    return Sample(sorted(speeds)[len(keys) // 2], (cpu_seconds(peer.pid) - before) / (len(body) / 1e6 * len(keys)) * 1e6)


def tus_request(connection, method: str, path: str, status: int, headers: dict[str, str], body: bytes):
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    text = response.read()
    if response.status != status:
        raise RuntimeError(f"{method} {path} answered {response.status}: {text[:300]!r}")
    return response.headers
