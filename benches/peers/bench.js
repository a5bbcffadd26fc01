// Rows of the comparison, JSON on stdout: bench.js BENCH_CARD [PICTURES]. Pictures of the last round are kept in PICTURES.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

// Ten, because the just-in-time compiler of the peers goes on gaining until then.
const WARM_UP = 10;
const ROUNDS = 21;
// Two digits follow the headline, so that it has the same lines in every round.
const FIRST = 11;
const BROWSERS = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];
const LEAST = { satori: 3, chromium: 8 };

const [ours, pictures] = process.argv.slice(2);
const browser = process.env.CHROMIUM ?? BROWSERS.find(existsSync);
if (!browser) throw new Error(`bench: no Chromium at ${BROWSERS.join(" or ")}; CHROMIUM names another`);

/// A process and all it has started.
function family(pid) {
  const children = new Map();
  for (const name of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const stat = readOr(`/proc/${name}/stat`, "");
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [pid];
  for (const member of found) found.push(...(children.get(member) ?? []));
  return found;
}

function readOr(path, otherwise) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return otherwise; // It has ended meanwhile.
  }
}

/// CPU milliseconds, user and system, of all threads of these processes.
function cpuMs(pids) {
  let nanoseconds = 0;
  for (const pid of pids) {
    let threads = [];
    try {
      threads = readdirSync(`/proc/${pid}/task`);
    } catch {} // It has ended meanwhile.
    for (const thread of threads) nanoseconds += Number(readOr(`/proc/${pid}/task/${thread}/schedstat`, "0").split(" ")[0]);
  }
  return nanoseconds / 1e6;
}

/// Mebibytes of these processes; what they share is divided among them.
function memoryMib(pids) {
  const one = (pid) => Number(/^Pss:\s+(\d+)/m.exec(readOr(`/proc/${pid}/smaps_rollup`, ""))?.[1] ?? 0);
  return pids.map(one).reduce((sum, kib) => sum + kib, 0) / 1024;
}

/// A tool, started once and asked card by card.
class Tool {
  constructor(name, command, ...words) {
    this.name = name;
    this.child = spawn(command, words, { stdio: ["pipe", "pipe", "inherit"] });
    this.answers = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async answer() {
    const { value, done } = await this.answers.next();
    if (done) throw new Error(`bench: ${this.name} has ended`);
    return JSON.parse(value);
  }

  async ready() {
    this.version = (await this.answer()).ready;
    return this;
  }

  /// What one card has cost: the tool is at rest before and after.
  async draw(order) {
    const before = cpuMs(family(this.child.pid));
    this.child.stdin.write(`${JSON.stringify(order)}\n`);
    const answer = await this.answer();
    const pids = family(this.child.pid);
    return { cpu: cpuMs(pids) - before, memory: memoryMib(pids), ...answer };
  }

  async end() {
    this.child.stdin.end();
    if (this.child.exitCode === null && this.child.signalCode === null) await new Promise((gone) => this.child.once("exit", gone));
  }
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const mean = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;

function row(name, values, unit, more) {
  const value = median(values);
  const spread = (Math.max(...values) - Math.min(...values)) / value;
  return { name, value, unit, bound: null, n: values.length, spread, ...more };
}

const folder = mkdtempSync(`${tmpdir()}/loa-peers-`);
const tools = [];
try {
  const here = (name) => fileURLToPath(new URL(name, import.meta.url));
  const start = async (...words) => {
    const tool = new Tool(...words);
    tools.push(tool);
    return tool.ready();
  };
  // Ours first: it writes what the others draw.
  const loa = await start("loa", ours, "cards", folder);
  const satori = await start("satori", process.execPath, here("satori.js"), folder);
  const chromium = await start("chromium", process.execPath, here("chromium.js"), folder, browser);
  const ways = [
    { name: "loa", tool: loa },
    { name: "satori", tool: satori },
    { name: "chromium", tool: chromium },
    { name: "chromium_fast", tool: chromium, order: { fast: true } },
  ].map((way) => ({ ...way, rounds: [] }));
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    const last = round === WARM_UP + ROUNDS - 1;
    for (const { name, tool, order, rounds } of ways) {
      const cost = await tool.draw({ run: FIRST + round, file: last && pictures ? `${pictures}/${name}.png` : null, ...order });
      if (round >= WARM_UP) rounds.push(cost);
    }
  }
  const [first, ...others] = ways;
  const rows = others.map(({ name, rounds }) => {
    const times = rounds.map((round, index) => round.cpu / first.rounds[index].cpu);
    const least = LEAST[name];
    return row(`card.over_${name}`, times, "ratio", least && { least, ok: median(times) >= least });
  });
  for (const { name, tool, order, rounds } of ways) {
    const of = (key) => rounds.map((round) => round[key]);
    rows.push(row(`peers.${name}_cpu_ms`, of("cpu"), "ms", { tool: tool.version }));
    // Both ways of one browser live in the same memory.
    if (!order) rows.push(row(`peers.${name}_memory_mib`, of("memory"), "MiB", { tool: tool.version }));
    rows.push(row(`peers.${name}_png_kib`, of("bytes").map((bytes) => bytes / 1024), "KiB", { tool: tool.version }));
    // Steps by their mean: a thread that runs is told what it has spent in steps of a tick.
    for (const step of Object.keys(rounds[0].steps ?? {})) {
      const value = mean(rounds.map((round) => round.steps[step]));
      rows.push({ name: `peers.${name}_${step}_ms`, value, unit: "ms", bound: null, n: rounds.length });
    }
  }
  console.error(`bench: ${tools.map((tool) => tool.version).join("; ")}`);
  process.stdout.write(`${JSON.stringify(rows)}\n`);
} finally {
  await Promise.all(tools.map((tool) => tool.end()));
  rmSync(folder, { recursive: true });
}
