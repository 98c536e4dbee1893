import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { preparePeer } from './peers.ts';
import { repositoryRoot } from './repository.ts';

/**
 * A real Prometheus scrapes a gateway whose upstreams fail, with the packaged rules: shows which alerts fire, and fails if one of
 * `expected` does not, or if one does while nothing fails. Windows and pauses of the rules are shortened, so that it takes two minutes.
 *
 *     npm run prometheus:check
 */

const calmMs = 20_000;
const timeoutMs = 90_000;
const expected = ['CandorRequestsFail', 'CandorNoHealthyEndpoint', 'CandorRecordsLost', 'CandorEndpointsUnhealthy'];

const prometheus = preparePeer('prometheus', console.log);
if ('missing' in prometheus) {
  console.error(prometheus.missing);
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), 'candor-prometheus-'));
const children: ChildProcess[] = [];
let failed = true;
try {
  failed = !(await check(prometheus.path));
} finally {
  for (const child of children) child.kill('SIGTERM');
  const running = children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  await Promise.all(running.map((child) => once(child, 'exit')));
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed ? 1 : 0;

async function check(program: string): Promise<boolean> {
  const [http, admin, web, origin, gone] = await freePorts(5);
  const { token, hash } = JSON.parse(run(['bin/candor', 'token', 'prometheus', '--json'])) as {
    token: string;
    hash: string;
  };
  writeFileSync(join(folder, 'token'), token, { mode: 0o600 });
  const server = startOrigin(origin);
  writeFileSync(join(folder, 'candor.yaml'), gatewayConfiguration({ http, admin, origin, gone, hash }));
  start(process.execPath, [join(repositoryRoot, 'bin/candor'), 'up', '-c', join(folder, 'candor.yaml')]);
  writeFileSync(
    join(folder, 'rules.yml'),
    shortened(readFileSync(join(repositoryRoot, 'packaging/prometheus/candor-rules.yml'), 'utf8')),
  );
  writeFileSync(join(folder, 'prometheus.yml'), prometheusConfiguration(admin));
  start(program, [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${web}`,
    '--enable-feature=exemplar-storage',
  ]);
  await until('Prometheus reads the metrics', async () => (await valuesOf(web, 'up{job="candor"}'))[0] === 1);
  const load = setInterval(() => void fetch(`http://127.0.0.1:${http}/`).catch(() => {}), 50);
  await until(
    'requests are counted',
    async () => ((await valuesOf(web, 'sum(rate(candor_exchanges_total[15s]))'))[0] ?? 0) > 5,
  );
  await sleep(calmMs);
  const calm = await firing(web);
  console.log(`while nothing fails: ${calm.join(', ') || 'no alert'}`);
  const exemplars = await exemplarsOf(web);
  console.log(`exemplars of stages: ${exemplars}`);
  server.close();
  const faults = setInterval(() => void fetch(`http://127.0.0.1:${http}/gone`).catch(() => {}), 50);
  let seen: string[] = [];
  await until('the alerts', async () => {
    seen = await firing(web);
    return expected.every((name) => seen.includes(name));
  }).catch((error: unknown) => console.log(String(error)));
  clearInterval(load);
  clearInterval(faults);
  console.log(
    `while the endpoints refuse connections and the collector does not run: ${seen.join(', ') || 'no alert'}`,
  );
  const missing = expected.filter((name) => !seen.includes(name));
  if (missing.length > 0) console.log(`missing: ${missing.join(', ')}`);
  return missing.length === 0 && calm.every((name) => name === 'CandorRecordsLost') && exemplars > 0;
}

/** The collector does not run: what is exported is lost after some time, which is told from the beginning. */
function gatewayConfiguration(ports: Record<'http' | 'admin' | 'origin' | 'gone', number> & { hash: string }): string {
  const { http, admin, origin, gone, hash } = ports;
  return `deployment: check
workers: 1
listeners: { http: "127.0.0.1:${http}" }
admin: { socket: none, listen: "127.0.0.1:${admin}", tokens: { prometheus: "${hash}" } }
log: { path: none }
state: none
upstreams:
  app: { endpoints: "127.0.0.1:${origin}", check: { interval: 1s } }
  gone: { endpoints: "127.0.0.1:${gone}", check: none }
routes: [{ path: /gone, to: gone }, { to: app }]
otlp: { endpoint: "http://127.0.0.1:${gone}", logs: all, metrics: { interval: 1s } }
`;
}

function prometheusConfiguration(admin: number): string {
  return `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [rules.yml]
scrape_configs:
  - job_name: candor
    authorization: { credentials_file: token }
    static_configs: [{ targets: ["127.0.0.1:${admin}"] }]
`;
}

/** `for: 2m` and `[5m]` become some seconds. */
function shortened(rules: string): string {
  return rules.replace(/for: \d+[smh]/g, 'for: 5s').replace(/\[\d+[mh]\]/g, '[15s]');
}

function start(command: string, args: readonly string[]): void {
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let last = '';
  child.stderr.on('data', (bytes: Buffer) => (last = (last + bytes.toString()).slice(-2000)));
  child.on('exit', (code) => {
    if (code !== 0 && code !== null) console.log(`${command} ended with ${code}: ${last}`);
  });
  children.push(child);
}

function run(args: readonly string[]): string {
  return spawnSync(process.execPath, args, { cwd: repositoryRoot, encoding: 'utf8' }).stdout;
}

function startOrigin(port: number): { close(): void } {
  const code = `require('node:http').createServer((_, r) => r.end('ok')).listen(${port}, '127.0.0.1')`;
  const child = spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
  children.push(child);
  return { close: () => void child.kill('SIGKILL') };
}

async function freePorts(count: number): Promise<[number, number, number, number, number]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports as [number, number, number, number, number];
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (performance.now() < end) {
    if (await condition().catch(() => false)) return;
    await sleep(500);
  }
  throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
}

interface Answer<T> {
  readonly data: T;
}

async function ask<T>(port: number, path: string): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
  return ((await response.json()) as Answer<T>).data;
}

async function valuesOf(port: number, query: string): Promise<number[]> {
  const { result } = await ask<{ result: { value: [number, string] }[] }>(
    port,
    `query?query=${encodeURIComponent(query)}`,
  );
  return result.map(({ value }) => Number(value[1]));
}

async function firing(port: number): Promise<string[]> {
  const { alerts } = await ask<{ alerts: { state: string; labels: { alertname: string } }[] }>(port, 'alerts');
  const names = alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname);
  return [...new Set(names)].toSorted();
}

async function exemplarsOf(port: number): Promise<number> {
  const now = Date.now() / 1000;
  const query = `query_exemplars?query=candor_stage_duration_seconds_bucket&start=${now - 300}&end=${now}`;
  const series = await ask<{ exemplars: unknown[] }[]>(port, query);
  return series.reduce((sum, { exemplars }) => sum + exemplars.length, 0);
}
