"""The clip by one call of the ffmpeg program: clip_ffmpeg.py FOLDER OUT.mp4; with GRAPH=1 it only prints the call."""
import os
import shlex
import shutil
import subprocess

from clip_spec import NOT_INSTALLED, read, refuse, say_cost

FFMPEG = shutil.which("ffmpeg") or refuse("ffmpeg is missing, make setup installs it", NOT_INSTALLED)
SPEC, OUT = read()
WIDTH, HEIGHT, FPS, FRAMES = (SPEC[key] for key in ("width", "height", "fps", "frames"))
# Photos are scaled up before zoompan, whose crops are whole pixels: the usual cure for its jitter.
UPSCALE = 1.35
LIMITED = "out_color_matrix=bt709:out_range=tv"
# The number of a frame; the `n` of overlay runs ahead by what has been read, not drawn.
FRAME = f"round(t*{FPS})"

inputs, graph = [], []


def source(*words):
    inputs.append([*words])
    return len(inputs) - 1


def even(pixels):
    return round(pixels / 2) * 2


def ken_burns(scene, lead, name):
    """zoompan keeps the shape of what it is given, so the photo is padded to the shape of the picture and zoomed in more."""
    photo = scene["photo"]
    scaled = even(photo["width"] * UPSCALE), even(photo["height"] * UPSCALE)
    padded = max(scaled[0], even(scaled[1] * WIDTH / HEIGHT)), max(scaled[1], even(scaled[0] * HEIGHT / WIDTH))
    nearest = padded[1] / min(scaled[1], scaled[0] * HEIGHT / WIDTH)
    time = f"max(on-{lead}\\,0)/{scene['shown']}"

    def moves(key, factor=1.0):
        start, end = scene["from"][key] * factor, scene["to"][key] * factor
        return f"({start:.6f}+({end - start:.6f})*{time})"

    left, top = ((padded[i] - scaled[i]) // 4 * 2 for i in (0, 1))
    # One more, so that the even pixel below it is the nearest one.
    x = f"{left + 1}+({scaled[0]}-iw/zoom)*{moves('x')}"
    y = f"{top + 1}+({scaled[1]}-ih/zoom)*{moves('y')}"
    graph.append(
        f"[{source('-i', photo['file'])}:v]scale={scaled[0]}:{scaled[1]}:in_range=pc:in_color_matrix=bt601:{LIMITED},format=yuv420p,"
        f"pad={padded[0]}:{padded[1]}:{left}:{top},"
        f"zoompan=z='{moves('zoom', nearest)}':x='{x}':y='{y}':d={scene['shown'] + lead}:s={WIDTH}x{HEIGHT}:fps={FPS},setsar=1[{name}]"
    )


def laid(layer, under, lead, last, name):
    """A layer over `under`. Its picture is decoded once; after its fade the overlay itself repeats it, which costs nothing."""
    start = layer["start"]
    end = last if layer["frames"] is None else min(start + layer["frames"], last)
    chain = f"[{source('-i', layer['file'])}:v]scale={LIMITED},format=yuva420p"
    leave = 0 if layer["frames"] is None else layer["leave"]
    if layer["enter"] or leave:
        # Straight fades: the filter knows no other. A fade begins at nothing, which is a frame before the first that is seen.
        frames = layer["frames"] if leave else layer["enter"] + 1
        chain += f",loop=loop={frames}:size=1,settb=1/{FPS},setpts=N"
        if layer["enter"]:
            chain += f",fade=t=in:s=0:n={layer['enter'] + 1}:alpha=1"
        if leave:
            chain += f",fade=t=out:s={frames - leave}:n={leave + 1}:alpha=1"
        chain += f",trim=start_frame=1,setpts=N+{start + lead}"
    y = layer["y"]
    if layer["rise"]:
        y = f"{y}+trunc({layer['rise']}*pow(1-min(({FRAME}-{start + lead}+1)/{layer['enter'] + 1}\\,1)\\,3))"
    graph.append(f"{chain}[{name}_in]")
    when = "" if start == 0 and end == last else f":enable='between({FRAME},{start + lead},{end + lead - 1})'"
    graph.append(f"[{under}][{name}_in]overlay=x={layer['x']}:y='{y}'{when}[{name}]")
    return name


def scenes():
    """Scenes one after the other. A cross-fade of xfade begins at nothing, so it begins a frame before."""
    under = None
    for number, scene in enumerate(SPEC["scenes"]):
        lead = 1 if scene["fade"] else 0
        frames = scene["shown"] + lead
        top = f"s{number}"
        if scene["photo"]:
            ken_burns(scene, lead, top)
        else:
            graph.append(
                f"color=c={SPEC['ground']}:s={WIDTH}x{HEIGHT}:r={FPS},trim=end_frame=1,format=rgb24,scale={LIMITED},format=yuv420p,"
                f"setsar=1,loop=loop={frames - 1}:size=1,settb=1/{FPS},setpts=N[{top}]"
            )
        for place, layer in enumerate(scene["layers"]):
            top = laid(layer, top, lead, scene["shown"], f"s{number}l{place}")
        graph.append(f"[{top}]settb=1/{FPS},setpts=N[scene{number}]")
        if under is None:
            under = f"scene{number}"
            continue
        if scene["fade"]:
            graph.append(
                f"[{under}][scene{number}]xfade=transition=fade:duration={(scene['fade'] + 1) / FPS:.6f}"
                f":offset={(scene['start'] - 1) / FPS:.6f}[to{number}]"
            )
        else:
            graph.append(f"[{under}][scene{number}]concat=n=2:v=1:a=0,fps={FPS},settb=1/{FPS}[to{number}]")
        under = f"to{number}"
    return under


def bar(under):
    """A bar as wide as the picture, pushed in from the left: drawbox works out its sizes once, not for each frame."""
    height = SPEC["bar"]["height"]
    if not height:
        return under
    graph.append(f"color=c={SPEC['bar']['colour']}:s={WIDTH}x{height}:r={FPS},trim=end_frame=1,format=rgb24,scale={LIMITED},format=yuv420p[bar_in]")
    graph.append(f"[{under}][bar_in]overlay=x='trunc(({FRAME}+1)*{WIDTH}/{FRAMES}/2)*2-{WIDTH}':y={HEIGHT - height}[bar]")
    return "bar"


def main():
    top = scenes()
    for place, layer in enumerate(SPEC["overlays"]):
        top = laid(layer, top, 0, FRAMES, f"o{place}")
    top = bar(top)
    colours = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
    call = [FFMPEG, "-nostdin", "-loglevel", "error", "-y", *(word for words in inputs for word in words)]
    call += ["-filter_complex", ";".join(graph), "-map", f"[{top}]", "-frames:v", str(FRAMES), "-r", str(FPS)]
    call += ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-threads", "2", "-pix_fmt", "yuv420p", *colours, OUT]
    if os.environ.get("GRAPH"):
        print(shlex.join(call))
        return
    if subprocess.run(call, check=False).returncode:
        refuse("ffmpeg has failed, its reason is above")
    say_cost()


main()
