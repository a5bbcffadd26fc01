"""The clip by MoviePy: clip_moviepy.py FOLDER OUT.mp4."""
import os
import shutil

from clip_spec import NOT_INSTALLED, read, refuse, say_cost

# The encoder of all peers but Remotion; MoviePy would take the one that comes with imageio-ffmpeg.
os.environ["FFMPEG_BINARY"] = shutil.which("ffmpeg") or refuse("ffmpeg is missing, make setup installs it", NOT_INSTALLED)
try:
    import numpy
    from moviepy import ColorClip, CompositeVideoClip, ImageClip, VideoClip, vfx
    from PIL import Image
except ImportError as error:
    refuse(f"{error}; .ci/bench clip peers installs what is in benches/peers/requirements.txt", NOT_INSTALLED)

SPEC, OUT = read()
SIZE, FPS = (SPEC["width"], SPEC["height"]), SPEC["fps"]


def colour(text):
    return tuple(bytes.fromhex(text.removeprefix("#")))


def placed(clip, start, end):
    """A clip on these frames: begun a quarter of a frame before, so that no rounding of seconds moves it by one."""
    return clip.with_start((start - 0.25) / FPS).with_end((end - 0.25) / FPS)


def ken_burns(scene, lead):
    """The photo as a moving crop. Pillow takes crops at fractions of a pixel and scales only what is seen."""
    photo = Image.open(scene["photo"]["file"]).convert("RGB")
    height = min(photo.height, photo.width * SIZE[1] / SIZE[0])

    def frame(t):
        time = max(round(t * FPS) - lead, 0) / scene["shown"]
        x, y, zoom = (scene["from"][key] + (scene["to"][key] - scene["from"][key]) * time for key in ("x", "y", "zoom"))
        crop_height = height / zoom
        crop_width = crop_height * SIZE[0] / SIZE[1]
        left, top = (photo.width - crop_width) * x, (photo.height - crop_height) * y
        box = (left, top, left + crop_width, top + crop_height)
        return numpy.asarray(photo.resize(SIZE, Image.Resampling.BILINEAR, box))

    return VideoClip(frame)


def moving(layer, lead, last):
    """A layer that rises and fades in, and fades out before it goes."""
    start = layer["start"]
    end = last if layer["frames"] is None else min(start + layer["frames"], last)
    goes = float("inf") if layer["frames"] is None else layer["frames"]
    clip = placed(ImageClip(layer["file"]), start + lead, end + lead)

    def eased(t):
        time = min((round(t * FPS) + 1) / (layer["enter"] + 1), 1)
        return 1 - (1 - time) ** 3

    def opacity(t):
        left = goes - round(t * FPS)
        return min(eased(t), left / (layer["leave"] + 1), 1)

    if layer["enter"] or layer["leave"]:
        def fade(of, t):
            return of(t) if opacity(t) == 1 else of(t) * opacity(t)

        clip = clip.with_mask((clip.mask or clip.with_mask().mask).transform(fade))
    if not layer["rise"]:
        return clip.with_position((layer["x"], layer["y"]))
    return clip.with_position(lambda t: (layer["x"], layer["y"] + int(layer["rise"] * (1 - eased(t)))))


def scene_parts(scene):
    """A scene in two clips: while it fades in, and then without a mask, which saves blending every frame of it."""
    # One clear frame comes before, since a cross-fade of MoviePy begins at nothing.
    lead = 1 if scene["fade"] else 0
    shown = scene["shown"]
    layers = [moving(layer, lead, shown) for layer in scene["layers"]]
    ground = ken_burns(scene, lead) if scene["photo"] else ColorClip(SIZE, colour(SPEC["ground"]))
    ground = ground.with_duration((shown + lead) / FPS)
    whole = CompositeVideoClip([ground, *layers], SIZE, use_bgclip=True).with_duration((shown + lead) / FPS)
    first, opaque, last = scene["start"] - lead, scene["start"] + scene["fade"], scene["start"] + shown
    parts = [whole.subclipped((opaque - first) / FPS).with_start(opaque / FPS).with_end(last / FPS)]
    if scene["fade"]:
        part = whole.subclipped(0, (opaque - first) / FPS).with_effects([vfx.CrossFadeIn((scene["fade"] + 1) / FPS)])
        parts.append(part.with_start(first / FPS).with_end(opaque / FPS))
    return parts


def bar():
    """A bar as wide as the clip, pushed in from the left."""
    width, height, frames = SIZE[0], SPEC["bar"]["height"], SPEC["frames"]
    clip = ColorClip((width, height), colour(SPEC["bar"]["colour"])).with_duration(frames / FPS)
    return clip.with_position(lambda t: ((round(t * FPS) + 1) * width // frames // 2 * 2 - width, SIZE[1] - height))


def main():
    parts = [part for scene in SPEC["scenes"] for part in scene_parts(scene)]
    overlays = [moving(layer, 0, SPEC["frames"]) for layer in SPEC["overlays"]]
    if SPEC["bar"]["height"]:
        overlays.append(bar())
    clip = CompositeVideoClip([*parts, *overlays], SIZE, bg_color=(0, 0, 0)).with_duration(SPEC["frames"] / FPS)
    clip.write_videofile(
        OUT, fps=FPS, codec="libx264", preset="veryfast", threads=2, audio=False, logger=None,
        ffmpeg_params=[
            "-crf", "23", "-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p",
            "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
        ],
    )
    say_cost()


main()
