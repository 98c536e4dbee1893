import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packAndInstall } from '../scripts/pack.ts';
import { repositoryRoot } from '../scripts/repository.ts';
import { freePort } from '../test/free-port.ts';
import { optionsOr, wholeNumber } from './options.ts';
import { accepts, cpuMicroseconds } from './processes.ts';
import { runTool } from './run-tool.ts';
import { median } from './statistics.ts';

const usage = `usage: npm run bench:start -- [options]

What starting costs: processor time of \`candor up\` until it accepts connections,
and how long two commands take. The package is installed into an empty folder and
has a home of its own. It has run once, so that the compile cache is filled.

  --rounds <n> (10)  of each; the figure is their median
  --json
  --help

Exits with 1 if a figure is above what is wanted, and with 2 for a usage error.

example: npm run bench:start -- --rounds 20
`;

const asked = optionsOr(
  usage,
  { rounds: { type: 'string', default: '10' }, json: { type: 'boolean', default: false } },
  (values) => ({ rounds: wholeNumber(values.rounds, '--rounds'), asJson: values.json }),
);

/** By then a gateway has written what V8 compiled (\`cli/serve-plan.ts\`). */
const flushedMs = 2500;
const upMsMax = 20_000;

/** Ten lines of nginx's error log. */
const log = Array.from(
  { length: 10 },
  (_, at) =>
    `2026/09/21 10:00:0${at % 10} [error] 7#7: *${at} connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.1, server: shop.example, request: "GET /${at} HTTP/1.1", upstream: "http://127.0.0.1:3000/${at}", host: "shop.example"\n`,
).join('');

interface Figure {
  readonly what: string;
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly unit: 's' | 'ms';
  readonly wanted: number;
}

const folder = mkdtempSync(join(tmpdir(), 'candor-bench-start-'));
const env = { PATH: process.env['PATH'], HOME: folder };

await runTool(
  async () => {
    writeFileSync(join(folder, 'error.log'), log);
    const installed = packAndInstall(join(folder, 'installed'));
    if ('failure' in installed) throw new Error(installed.failure);
    const packed = join(installed.folder, 'bin', 'candor');
    const figures: readonly Figure[] = [
      await starts('candor up, installed', packed, 0.35),
      await starts('candor up, unbuilt source', join(repositoryRoot, 'bin', 'candor'), 0.6),
      commands('candor version', packed, ['version'], 60),
      commands('candor explain, ten lines', packed, ['explain', join(folder, 'error.log')], 200),
    ];
    if (asked.asJson) console.log(JSON.stringify(figures));
    else for (const figure of figures) console.log(rowOf(figure));
    return figures.every((one) => one.median <= one.wanted) ? 0 : 1;
  },
  () => rmSync(folder, { recursive: true, force: true }),
);

/** Seconds of processor time, user and system, of all threads. */
async function starts(what: string, program: string, wanted: number): Promise<Figure> {
  const first = await started(program);
  await sleep(flushedMs);
  await end(first.child);
  const seconds: number[] = [];
  for (let round = 0; round < asked.rounds; round++) {
    const { child, cpuS } = await started(program);
    await end(child);
    seconds.push(cpuS);
  }
  return summary(what, seconds, 's', wanted);
}

async function started(program: string): Promise<{ child: ChildProcess; cpuS: number }> {
  const port = await freePort();
  const configuration = join(folder, 'candor.yaml');
  writeFileSync(
    configuration,
    `listeners: { http: "127.0.0.1:${port}" }\nadmin: { socket: none }\nstate: none\nroutes: [{ respond: { body: hello } }]\n`,
  );
  const child = spawn(program, ['up', '-c', configuration], { cwd: folder, env, stdio: 'ignore' });
  const { pid } = child;
  const deadline = performance.now() + upMsMax;
  while (pid !== undefined && child.exitCode === null && performance.now() < deadline) {
    if (await accepts(port)) return { child, cpuS: cpuMicroseconds(pid) / 1e6 };
    await sleep(2);
  }
  child.kill('SIGKILL');
  throw new Error(`${program} up did not listen on port ${port} within ${upMsMax / 1000} s.`);
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Milliseconds from the start of the process to its end. */
function commands(what: string, program: string, args: readonly string[], wanted: number): Figure {
  const times = Array.from({ length: asked.rounds + 1 }, () => {
    const startedAt = performance.now();
    const { status, stderr } = spawnSync(program, args, { cwd: folder, env, encoding: 'utf8' });
    if (status === null || status > 1) throw new Error(`candor ${args.join(' ')} ended with ${status}: ${stderr}`);
    return performance.now() - startedAt;
  });
  return summary(what, times.slice(1), 'ms', wanted);
}

function summary(what: string, values: readonly number[], unit: Figure['unit'], wanted: number): Figure {
  return { what, median: median(values), least: Math.min(...values), most: Math.max(...values), unit, wanted };
}

function rowOf({ what, median: middle, least, most, unit, wanted }: Figure): string {
  const text = (value: number): string => (unit === 's' ? value.toFixed(2) : value.toFixed(0));
  const verdict = middle <= wanted ? 'met' : 'missed';
  return `${what.padEnd(27)} ${text(middle)} ${unit} (${text(least)} to ${text(most)}), wanted ≤ ${text(wanted)} ${unit}: ${verdict}`;
}
