"""The row server.idle_rss_mib: bench_server.py LOA SEED starts `loa all` over 100,000 stored posts and prints its resident memory.

SEED fills a data folder (`seed_posts FOLDER COUNT`). Each round starts the server anew, waits until it answers, and then until its
memory has moved by less than a mebibyte for ten seconds. The value is the median of the rounds, the spread their range as a share
of it. What the server says goes to stderr.
"""
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

POSTS, ROUNDS, BOUND_MIB = 100_000, 3, 80.0
STILL_S, LONGEST_S = 10, 120


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
            return True
    except OSError:
        return False


def resident_mib(process):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("bench: the server has ended")


def settled_mib(process, port):
    begun = time.monotonic()
    while not answers(port):
        if process.poll() is not None or time.monotonic() - begun > LONGEST_S:
            raise SystemExit("bench: the server does not answer")
        time.sleep(0.2)
    begun, seen = time.monotonic(), []
    while time.monotonic() - begun < LONGEST_S:
        seen.append(resident_mib(process))
        last = seen[-STILL_S:]
        if len(last) == STILL_S and max(last) - min(last) < 1:
            break
        time.sleep(1)
    return seen[-1]


def main():
    loa, seed = sys.argv[1:]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        data, settings = pathlib.Path(folder, "data"), pathlib.Path(folder, "loa.toml")
        subprocess.run([seed, data, str(POSTS)], check=True)
        for _ in range(ROUNDS):
            port = free_port()
            settings.write_text(
                f'data = "{data}"\n[web]\nlisten = "127.0.0.1:{port}"\npublic_url = "http://127.0.0.1:{port}"\n',
                encoding="utf-8",
            )
            process = subprocess.Popen([loa, "--config", settings, "all"], stdout=sys.stderr)
            try:
                found.append(settled_mib(process, port))
            finally:
                process.terminate()
                process.wait()
    found.sort()
    value = found[len(found) // 2]
    row = {
        "name": "server.idle_rss_mib", "value": value, "unit": "MiB", "bound": BOUND_MIB,
        "ok": value <= BOUND_MIB, "n": len(found), "spread": (found[-1] - found[0]) / value,
    }
    print(json.dumps([row]))


main()
