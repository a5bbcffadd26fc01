// The clip by Remotion: render.js FOLDER OUT.mp4.
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const BEGUN = performance.now();
const BROWSERS = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];
/// Ticks of /proc/PID/stat a second, the same on every Linux.
const TICKS = 100;

/// The exit code that says: this tool is not installed here.
const NOT_INSTALLED = 69;

function refuse(reason, code = 1) {
  console.error(`clip_remotion: ${reason}`);
  process.exit(code);
}

/// The clip, once all it needs is there.
function read(folder) {
  let spec;
  try {
    spec = JSON.parse(readFileSync(`${folder}/spec.json`, "utf8"));
  } catch (error) {
    refuse(`${folder}/spec.json cannot be read: ${error.message}`);
  }
  const photos = spec.scenes.map((scene) => scene.photo).filter(Boolean);
  const layers = [...spec.scenes.flatMap((scene) => scene.layers), ...spec.overlays];
  for (const { file } of [...photos, ...layers]) if (!existsSync(`${folder}/${file}`)) refuse(`${folder}/${file} is missing`);
  return spec;
}

/// Seconds of processor, user and system, of this process and of all it has started; the browser must still be open.
function cpuS() {
  const parents = new Map();
  const used = new Map();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number)) {
    let stat;
    try {
      stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    } catch {
      continue; // It has ended meanwhile; its parent has been told what it used.
    }
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
    parents.set(pid, fields[1]);
    // Its own two, and the two of those it has waited for.
    used.set(pid, fields.slice(11, 15).reduce((sum, ticks) => sum + ticks, 0) / TICKS);
  }
  const ours = (pid) => pid === process.pid || (parents.has(pid) && ours(parents.get(pid)));
  return [...used].filter(([pid]) => ours(pid)).reduce((sum, [, seconds]) => sum + seconds, 0);
}

const [folder, outputLocation, ...more] = process.argv.slice(2);
if (!outputLocation || more.length > 0) refuse("wants FOLDER OUT.mp4");
const spec = read(resolve(folder));
const browserExecutable = process.env.CHROMIUM ?? BROWSERS.find(existsSync);
if (!browserExecutable || !existsSync(browserExecutable)) refuse(`no Chromium at ${browserExecutable ?? BROWSERS.join(" or ")}; CHROMIUM names another`, NOT_INSTALLED);
let bundler, renderer;
try {
  bundler = await import("@remotion/bundler");
  renderer = await import("@remotion/renderer");
} catch (error) {
  refuse(`${error.message}; .ci/bench clip peers installs what is in benches/peers/clip_remotion/package-lock.json`, NOT_INSTALLED);
}

// The bundle is the program, made once for many clips: it is not counted. Pictures are served from their folder.
const ready = { wall: performance.now(), cpu: cpuS() };
const entryPoint = fileURLToPath(new URL("index.js", import.meta.url));
const serveUrl = await bundler.bundle({ entryPoint, publicDir: resolve(folder), symlinkPublicDir: true });
const bundled = { wall: performance.now(), cpu: cpuS() };

const chromiumOptions = { gl: "swangle" };
// A Chromium of Debian is started as Chrome for Testing is; the shell has its own mode.
const chromeMode = browserExecutable.endsWith("headless-shell") ? "headless-shell" : "chrome-for-testing";
let browser;
try {
  browser = await renderer.openBrowser("chrome", { browserExecutable, chromiumOptions, chromeMode, logLevel: "error" });
  const shared = { serveUrl, inputProps: { spec }, puppeteerInstance: browser, browserExecutable, chromiumOptions, chromeMode, logLevel: "error" };
  const composition = await renderer.selectComposition({ ...shared, id: "clip" });
  await renderer.renderMedia({
    ...shared,
    composition,
    outputLocation,
    codec: "h264",
    x264Preset: "veryfast",
    crf: 23,
    pixelFormat: "yuv420p",
    colorSpace: "bt709",
    imageFormat: "jpeg",
    concurrency: 2,
    muted: true,
  });
  const seconds = (milliseconds) => Math.round(milliseconds) / 1000;
  const wall = performance.now() - bundled.wall + ready.wall;
  const cpu = cpuS() - bundled.cpu + ready.cpu;
  console.log(JSON.stringify({ wall_s: seconds(wall), cpu_s: seconds(cpu * 1000), bundle_wall_s: seconds(bundled.wall - ready.wall), bundle_cpu_s: seconds((bundled.cpu - ready.cpu) * 1000) }));
} finally {
  await browser?.close({ silent: true });
  rmSync(serveUrl, { recursive: true, force: true });
}
process.exit(0);
