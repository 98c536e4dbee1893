import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Measures the longest time in which a worker serves no request during a reload of a large configuration:
 *
 *     node bench/reload-stall.ts [routes] [endpoints] [reloads]
 *
 * A gateway of its own, without traffic. Each reload changes a route and an upstream. What is printed is the longest gap between two
 * turns of each thread's event loop, over a quiet second and over each reload.
 */
const [routes = 5000, endpoints = 1000, reloads = 5] = process.argv.slice(2).map(Number);
const upstreams = Math.max(1, Math.round(endpoints / 10));

interface Said {
  readonly thread: number;
  readonly isMain: boolean;
  readonly longestMs: number;
}

function configuration(version: number): string {
  const lines = ['workers: 2', 'listeners: { http: "127.0.0.1:0" }', 'admin: { socket: none }', 'upstreams:'];
  for (let upstream = 0; upstream < upstreams; upstream++) {
    const addresses = Array.from(
      { length: Math.ceil(endpoints / upstreams) },
      (_, index) => `"127.${(upstream >> 8) + 1}.${upstream & 255}.${index + 1}:${9 + (upstream === 0 ? version : 0)}"`,
    );
    lines.push(`  up${upstream}: { check: none, endpoints: [${addresses.join(', ')}] }`);
  }
  lines.push('routes:', `  - { path: /version, respond: { status: 200, body: "${version}" } }`);
  for (let route = 0; route < routes; route++)
    lines.push(`  - { host: h${route % 50}.example.org, path: /p${route}, to: up${route % upstreams} }`);
  return `${lines.join('\n')}\n`;
}

const folder = await mkdtemp(join(tmpdir(), 'candor-reload-stall-'));
const [file, log] = [join(folder, 'candor.yaml'), join(folder, 'events.log')];
await writeFile(file, `log: { path: ${join(folder, 'candor.log')} }\n${configuration(0)}`);
const probe = join(import.meta.dirname, 'stall-probe.ts');
const program = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts');
const gateway = spawn(process.execPath, ['--import', probe, program, 'up', '-c', file], {
  stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
});
let output = '';
for (const stream of [gateway.stdout, gateway.stderr])
  stream?.on('data', (text: Buffer) => {
    output += text.toString();
  });

try {
  await applied(1);
  await sleep(2000);
  print('a quiet second', await longest(() => sleep(1000)));
  for (let reload = 1; reload <= reloads; reload++) {
    await writeFile(file, `log: { path: ${join(folder, 'candor.log')} }\n${configuration(reload)}`);
    const said = await longest(async () => {
      gateway.kill('SIGHUP');
      await applied(reload + 1);
    });
    print(`reload ${reload}`, said);
  }
} finally {
  await writeFile(log, output);
  gateway.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
}

async function applied(revision: number): Promise<void> {
  for (let look = 0; look < 600; look++) {
    if (output.includes(`revision ${revision} is in force`) || output.includes(`"revision":${revision},`)) return;
    if (gateway.exitCode !== null) break;
    await sleep(50);
  }
  throw new Error(`revision ${revision} was not taken:\n${output.slice(-2000)}`);
}

async function longest(during: () => Promise<unknown>): Promise<readonly Said[]> {
  const said: Said[] = [];
  const note = (one: unknown): void => void said.push(one as Said);
  gateway.on('message', note);
  (gateway as ChildProcess).send('begin');
  await during();
  await sleep(500);
  gateway.send('say');
  for (let look = 0; look < 100 && said.length < 3; look++) await sleep(20);
  gateway.off('message', note);
  return said;
}

function print(what: string, said: readonly Said[]): void {
  const text = said
    .toSorted((a, b) => a.thread - b.thread)
    .map(({ thread, isMain, longestMs }) => `${isMain ? 'main' : `worker ${thread}`} ${longestMs.toFixed(1)} ms`);
  process.stdout.write(`${what.padEnd(16)} ${text.join(', ')}\n`);
}
