#!/usr/bin/env python3
"""Asks the API of a served newsroom everything that its description allows, and more: no answer is a 5xx, and every one is of a
kind that the description names.

`check.py` asks a fixed number of cases from a fixed seed; `check.py soak [SECONDS]` asks from a new seed, which it prints, until
the time is over; `check.py soak SECONDS SEED` asks the same again. What fails is told with the request as a line of curl.
"""

import json
import os
import random
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEED = 20261130
# Cases of an operation in the part that is generated; the parts before it are as many as the description asks for.
CASES = 20
# Longest time of `make test` before something is taken to hang, seconds; it takes about a quarter of it.
LONGEST = 240
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
]
# Operations that would take away from the cases what they stand on.
LEFT_OUT = {
    "/api/v1/own/password": "counts wrong passwords of the one person who asks, and shuts the door for ten minutes",
}


def newsroom():
    """The newsroom of the tests on a port of its own: its process, its address, what the hooks need."""
    program = os.environ.get("PAGES", str(ROOT / "target/debug/examples/pages"))
    if not Path(program).exists():
        sys.exit("build it first: cargo build --workspace --examples")
    child = subprocess.Popen([program, "0", "api"], stdout=subprocess.PIPE, text=True)
    told = {}
    for line in child.stdout:
        if line.startswith("http"):
            told["base"] = line.split()[0]
        name, _, rest = line.strip().partition(": ")
        told[name] = rest
        if name == "records":
            return child, told
    sys.exit("the newsroom ended")


def opens(told):
    """Ends here when a token opens nothing: cases that stop at the door would all pass."""
    prefix, _ = told["tokens"].split()
    asked = urllib.request.Request(f"{told['base']}/api/v1/articles")
    asked.add_header("Authorization", f"Bearer {prefix}000")
    with urllib.request.urlopen(asked) as answer:
        assert json.load(answer)["items"], "a newsroom without articles"


def main():
    soak = len(sys.argv) > 1 and sys.argv[1] == "soak"
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 600
    seed = SEED
    if soak:
        seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(1 << 32)
    print(f"api: seed {seed}", flush=True)
    child, told = newsroom()
    try:
        opens(told)
    except Exception:
        child.terminate()
        raise
    st = os.environ.get("SCHEMATHESIS", str(ROOT / "target/schemathesis/bin/st"))
    asked = [st, "run", f"{told['base']}/api/v1/openapi.json", f"--seed={seed}", "--workers=1"]
    asked += [f"--checks={','.join(CHECKS)}", "--no-color", "--warnings=off"]
    asked += [f"--exclude-path={path}" for path in LEFT_OUT]
    asked += ["--phases=examples,coverage,fuzzing", "--suppress-health-check=all", "--continue-on-failure"]
    asked += ["--generation-database=none"]
    asked += [f"--max-time={seconds}"] if soak else [f"--max-examples={CASES}"]
    env = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(ROOT / "tests/api"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LOA_TOKENS": told["tokens"],
        "LOA_RECORDS": told["records"],
    }
    try:
        done = subprocess.run(asked, env=env, cwd=ROOT / "target", timeout=None if soak else LONGEST)
        code = done.returncode
    except subprocess.TimeoutExpired:
        print(f"api: not done after {LONGEST} s")
        code = 1
    if child.poll() is not None:
        print(f"api: the newsroom ended with {child.returncode}")
        code = code or 1
    child.terminate()
    child.wait()
    sys.exit(code)


if __name__ == "__main__":
    main()
