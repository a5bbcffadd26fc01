"""The row article.all_variants_s: bench_article.py LOA ARTICLE makes every variant of the demo article and prints how long it took.

Cards in five sizes, the poster in two, the short, the long and both clips for slow links, one after the other and from nothing
(`loa render` without a data folder keeps nothing). The value is the median of the rounds, the spread their range as a share of it.
What `loa` says goes to stderr.
"""
import json
import subprocess
import sys
import tempfile
import time

ROUNDS, BOUND_S = 3, 90.0


def once(loa, article):
    with tempfile.TemporaryDirectory() as out:
        begun = time.monotonic()
        told = subprocess.run(
            [loa, "render", article, "--out", out, "--only", "infographic,poster,clip,long", "--json"],
            stdout=subprocess.PIPE, check=True,
        )
        spent = time.monotonic() - begun
    kinds = {file["kind"] for file in json.loads(told.stdout)["files"]}
    if missing := {"infographic", "poster", "short_clip", "long_clip", "low_band"} - kinds:
        raise SystemExit(f"bench: {', '.join(sorted(missing))} was not made")
    return spent


times = sorted(once(*sys.argv[1:3]) for _ in range(ROUNDS))
value = times[ROUNDS // 2]
print(json.dumps([{
    "name": "article.all_variants_s", "value": round(value, 1), "unit": "s", "bound": BOUND_S, "ok": value <= BOUND_S,
    "n": ROUNDS, "spread": round((times[-1] - times[0]) / value, 3),
}]))
