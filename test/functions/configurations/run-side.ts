import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { preparePeer } from '../../../scripts/peers.ts';
import { listening } from '../../attacks/smuggling/origins.ts';
import { freePort } from '../../free-port.ts';
import { candorProgram } from '../../program.ts';
import type { Applications } from './applications.ts';
import { type ComparedRequest, type ConfigurationCase, runnableText, type Side } from './cases.ts';

/** What a client sees of an answer. */
export interface SeenAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What one gateway makes of the requests of a case. */
export interface SideRun {
  readonly answers: readonly SeenAnswer[];
  /** The lines of its access log, if the case has one. */
  readonly lines: readonly string[];
}

const programs: Readonly<Record<Side, { file: string; args: readonly string[] }>> = {
  nginx: { file: 'nginx.conf', args: ['-p', '.', '-c', 'nginx.conf'] },
  caddy: { file: 'Caddyfile', args: ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'] },
  candor: { file: 'candor.yaml', args: [candorProgram, 'up', '-c', 'candor.yaml'] },
};

/** Where a gateway is started, and where it shall listen. */
interface StartPlaces {
  readonly folder: string;
  readonly port: number;
}

/** Starts a gateway with the text of its configuration; resolves when it listens. */
export type StartSide = (side: Side, text: string, places: StartPlaces) => Promise<{ stop(): Promise<void> }>;

export async function runSide(
  side: Side,
  of: ConfigurationCase,
  applications: Applications,
  start: StartSide = startProgram,
): Promise<SideRun> {
  const folder = mkdtempSync(join(tmpdir(), 'candor-configurations-'));
  const port = await freePort();
  const places = { port, applications: applications.ports, logFolder: folder };
  const text = runnableText(side, (side === 'candor' ? of.candor : of.text) ?? '', places);
  try {
    const gateway = await start(side, text, { folder, port });
    try {
      const answers: SeenAnswer[] = [];
      for (const asked of of.requests) answers.push(await ask(port, asked, of.headers));
      const lines = of.log === null ? [] : await logLines(join(folder, of.log), of.requests.length);
      return { answers, lines };
    } finally {
      await gateway.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As people start it: Candor from this repository, the others as Debian has them. */
export const startProgram: StartSide = async (side, text, { folder, port }) => {
  const program = side === 'candor' ? { path: process.execPath, env: {} } : preparePeer(side, console.error);
  if ('missing' in program) throw new Error(program.missing);
  const { file, args } = programs[side];
  writeFileSync(join(folder, file), text);
  const child = spawn(program.path, args, {
    cwd: folder,
    env: { ...process.env, ...program.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
  await listening(port, child, () => output);
  return {
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
};

async function ask(port: number, asked: ComparedRequest, compared: readonly string[]): Promise<SeenAnswer> {
  const { path, method = 'GET', host = 'example.org', send = {}, body, bodySize } = asked;
  const content = bodySize === undefined ? body : 'x'.repeat(bodySize);
  const length = content === undefined ? {} : { 'Content-Length': content.length };
  const sent = request({
    host: '127.0.0.1',
    port,
    path,
    method,
    headers: { Host: host, ...length, ...send },
    agent: false,
  });
  // A gateway that refuses a body may close the connection while it is sent.
  sent.on('error', () => {});
  sent.end(content);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const bytes of response) parts.push(bytes as Buffer);
  const bytes = Buffer.concat(parts);
  const isGzip = response.headers['content-encoding'] === 'gzip';
  return {
    status: response.statusCode ?? 0,
    headers: Object.fromEntries(compared.map((name) => [name, String(response.headers[name] ?? '')])),
    body: (isGzip ? gunzipSync(bytes) : bytes).toString(),
  };
}

const logMsMax = 3000;

async function logLines(path: string, count: number): Promise<readonly string[]> {
  for (const limit = performance.now() + logMsMax; performance.now() < limit; await sleep(20)) {
    const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
    if (lines.length >= count) return lines;
  }
  return [];
}
