"""Whether two clips show the same: clip_same.py ONE.mp4 OTHER.mp4. SSIM at ten places; fails when one is below 0.95."""
import re
import subprocess
import sys

LEAST = 0.95
PLACES = 10


def main():
    one, other = sys.argv[1:]
    count = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=nb_frames", "-of", "csv=p=0"]
    frames = [int(subprocess.run([*count, clip], check=True, capture_output=True, text=True).stdout) for clip in (one, other)]
    if frames[0] != frames[1]:
        sys.exit(f"clip_same.py: {frames[0]} frames and {frames[1]}")
    # Eight frames after each tenth of 20 s: words come in and scenes cross there, and in between all is at rest.
    wanted = [frames[0] * place // PLACES + frames[0] // 75 for place in range(PLACES)]
    chosen = "select='" + "+".join(f"eq(n,{frame})" for frame in wanted) + "',setpts=N/TB"
    graph = f"[0:v]{chosen}[a];[1:v]{chosen}[b];[a][b]ssim=stats_file=-"
    call = ["ffmpeg", "-nostdin", "-loglevel", "error", "-i", one, "-i", other, "-filter_complex", graph, "-f", "null", "-"]
    said = subprocess.run(call, check=True, capture_output=True, text=True).stdout
    values = [float(value) for value in re.findall(r"All:([\d.]+)", said)]
    if len(values) != PLACES:
        sys.exit(f"clip_same.py: {len(values)} frames compared instead of {PLACES}")
    for frame, value in zip(wanted, values):
        print(f"frame {frame:4} SSIM {value:.4f}")
    if min(values) < LEAST:
        sys.exit(f"clip_same.py: {min(values):.4f} is below {LEAST}")


main()
