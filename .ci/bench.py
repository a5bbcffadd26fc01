"""Joins the rows of the benches, prints a table, writes the JSON of all: bench.py COMMIT MACHINE FILE < arrays.

A row's spread is a share of its value, whatever the unit: the range of the runs, of many short rounds their middle half.
A row with `bound` may not be above it, one with `least` not below."""
import json
import sys

commit, machine, path = sys.argv[1:]
decoder, text, rows = json.JSONDecoder(), sys.stdin.read().strip(), []
while text:
    part, end = decoder.raw_decode(text)
    rows += part
    text = text[end:].lstrip()
with open(path, "w", encoding="utf-8") as out:
    json.dump({"commit": commit, "machine": machine, "rows": rows}, out, indent=1)
for row in rows:
    value = "-" if row["value"] is None else f"{row['value']:.3g}"
    bound = next((f"{word} {row[word]:g}" for word in ("bound", "least") if row.get(word) is not None), "")
    verdict = {True: "ok", False: "MISSED", None: ""}[row.get("ok")]
    spread = "" if row.get("spread") is None else f"spread={row['spread']:.0%}"
    print(f"{row['name']:<34} {value:>10} {row['unit']:<6} {bound:<12} {verdict:<7} n={row['n']} {spread}")
print(f"{commit} · {machine}")
