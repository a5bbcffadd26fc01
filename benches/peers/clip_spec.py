"""What the clip peers in Python share: reading the folder of a clip, and the line that says what making it has cost."""
import json
import os
import resource
import sys
import time

BEGUN = time.monotonic()
# The exit code that says: this tool is not installed here.
NOT_INSTALLED = 69


def refuse(reason, code=1):
    print(f"{os.path.basename(sys.argv[0])}: {reason}", file=sys.stderr)
    sys.exit(code)


def read():
    """The spec, with files as paths, and where the clip goes: `TOOL FOLDER OUT.mp4`."""
    if len(sys.argv) != 3:
        refuse("wants FOLDER OUT.mp4")
    folder, out = sys.argv[1:]
    path = os.path.join(folder, "spec.json")
    try:
        with open(path, encoding="utf-8") as file:
            spec = json.load(file)
    except (OSError, ValueError) as error:
        refuse(f"{path} cannot be read: {error}")
    pictures = [scene["photo"] for scene in spec["scenes"] if scene["photo"]]
    pictures += [layer for scene in spec["scenes"] for layer in scene["layers"]] + spec["overlays"]
    for picture in pictures:
        picture["file"] = os.path.join(folder, picture["file"])
        if not os.path.isfile(picture["file"]):
            refuse(f"{picture['file']} is missing")
    following = spec["scenes"][1:] + [{"fade": 0}]
    for scene, after in zip(spec["scenes"], following):
        # How long it is seen: the next one fades in over its last frames.
        scene["shown"] = scene["frames"] + after["fade"]
    return spec, out


def say_cost():
    """One line of JSON: seconds of wall and of processor, the processes it has started and waited for included."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    print(json.dumps({"wall_s": round(time.monotonic() - BEGUN, 3), "cpu_s": round(cpu, 3)}))
