"""Rows of the comparison of clips, JSON on stdout: clip.py FOLDER CLIPS [OURS...]. The clips are kept in the folder CLIPS.

Every tool is called with FOLDER and a file to write, and answers with a line of what it has cost. So is OURS, a command, right
before and right after each of them, and theirs is divided by the mean of the two: a machine that gets busy slows all alike.
Without OURS there are no ratios. A tool that is not installed has rows without a value."""
import json
import os
import subprocess
import sys

from clip_spec import NOT_INSTALLED

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = os.path.join(HERE, "../../target/peers/venv/bin/python")
TOOLS = {
    "ffmpeg": [sys.executable, os.path.join(HERE, "clip_ffmpeg.py")],
    "moviepy": [PYTHON if os.path.exists(PYTHON) else sys.executable, os.path.join(HERE, "clip_moviepy.py")],
    "remotion": ["node", os.path.join(HERE, "clip_remotion/render.js")],
}
# What the rows call them.
NAMES = {"ffmpeg": "ffmpeg_cli", "moviepy": "moviepy", "remotion": "remotion"}
# How many times longer than ours, by the wall.
LEAST = {"ffmpeg": 1.8, "moviepy": 10, "remotion": 25}


def cost(name, command, folder, clips):
    """What a clip has cost; nothing when the tool is not here. A tool that is here and fails ends the bench."""
    try:
        done = subprocess.run([*command, folder, os.path.join(clips, f"{name}.mp4")], stdout=subprocess.PIPE, text=True, check=False)
    except FileNotFoundError as error:
        print(f"bench: {name} is left out: {error}", file=sys.stderr)
        return None
    if done.returncode == NOT_INSTALLED:
        print(f"bench: {name} is left out, its reason is above", file=sys.stderr)
        return None
    if done.returncode:
        sys.exit(f"bench: {name} has failed with {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def row(name, value, unit, **more):
    return {"name": name, "value": value, "unit": unit, "bound": None, "n": 0 if value is None else 1, "spread": None, **more}


def main():
    folder, clips, *ours = sys.argv[1:]
    os.makedirs(clips, exist_ok=True)

    def own():
        return cost("loa", ours, folder, clips) if ours else None

    rows, before = [], own()
    if ours and before is None:
        sys.exit("bench: our own clip was not made")
    for name, command in TOOLS.items():
        print(f"bench: the clip by {name}", file=sys.stderr)
        theirs = cost(name, command, folder, clips)
        if ours:
            ratio = None
            if theirs:
                after = own()
                ratio, before = 2 * theirs["wall_s"] / (before["wall_s"] + after["wall_s"]), after
            more = {"least": LEAST[name], "ok": None if ratio is None else ratio >= LEAST[name]}
            rows.append(row(f"clip.{NAMES[name]}_over_ours", ratio, "ratio", **more))
        for key, unit in (("wall_s", "s"), ("cpu_s", "s")):
            rows.append(row(f"peers.clip_{name}_{key}", theirs and theirs[key], unit))
    print(json.dumps(rows))


main()
