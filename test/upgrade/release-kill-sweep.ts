import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { candorProgram } from '../program.ts';

/** A kill every so many milliseconds after the deployment began. */
export const sweepMs = 20;

const timeoutMs = 60_000;

interface Killed {
  /** Of the journal. */
  readonly inForce: string;
  /** Of the application, after the next start of the gateway. */
  readonly answer: string;
  /** What the release in force answers. */
  readonly wanted: string;
}

const program = (
  version: string,
): string => `require('node:http').createServer((_, response) => response.end('${version}'))
  .listen(process.env.PORT, '127.0.0.1');`;

/** Deploys a release, kills the gateway so long after that, starts it again, and asks what runs. */
export async function killDuringRollout(afterMs: number): Promise<Killed> {
  const folder = mkdtempSync(join(tmpdir(), 'candor-release-kill-'));
  const socketPath = join(folder, 'admin.sock');
  const started: ChildProcess[] = [];
  let printed = '';
  const start = (): ChildProcess => {
    const child = spawn(process.execPath, [candorProgram, 'up'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (printed = `${printed}${text}`.slice(-4000)));
    started.push(child);
    return child;
  };
  try {
    for (const version of ['first', 'next']) {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, 'server.cjs'), program(version));
    }
    writeFileSync(
      join(folder, 'candor.yaml'),
      `state: ./state\nworkers: 1\nlisteners: { http: "127.0.0.1:0" }\nadmin: { socket: ${socketPath} }\nlog: { path: none }\n` +
        `applications:\n  web:\n    command: ["${process.execPath}", server.cjs]\n    directory: ./first\n` +
        `    readiness: { path: /, interval: 20ms, passes: 1 }\n    releases: { bake: 100ms, warm: none }\nroutes: [{ to: web }]\n`,
    );
    const child = start();
    await serves(socketPath);
    const from = { kind: 'folder', path: join(folder, 'next') };
    const deployed = ask(socketPath, 'POST', '/v1/releases/deploy', { application: 'web', from }).catch(() => null);
    await sleep(afterMs);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await deployed;
    start();
    await serves(socketPath).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${printed}`);
    });
    const { applications } = (await ask(socketPath, 'GET', '/v1/releases')) as {
      applications: { in_force: string | null }[];
    };
    const inForce = applications[0]?.in_force ?? 'none';
    const answer = await answerOf(socketPath);
    // Before the first line of the journal nothing was deployed.
    return { inForce, answer, wanted: inForce === 'r2' ? 'next' : 'first' };
  } finally {
    for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await Promise.all(
      started.map((child) =>
        child.exitCode === null && child.signalCode === null ? once(child, 'exit') : Promise.resolve(),
      ),
    );
    rmSync(folder, { recursive: true, force: true });
  }
}

async function serves(socketPath: string): Promise<void> {
  const giveUpAt = Date.now() + timeoutMs;
  while (Date.now() < giveUpAt) {
    if (existsSync(socketPath) && (await answerOf(socketPath).catch(() => '')) !== '') return;
    await sleep(20);
  }
  throw new Error('the gateway does not serve');
}

async function answerOf(socketPath: string): Promise<string> {
  const { listeners } = (await ask(socketPath, 'GET', '/v1/status')) as { listeners: { address: string }[] };
  const port = Number(/\d+$/.exec(listeners[0]?.address ?? '')?.[0]);
  return send({ host: '127.0.0.1', port, path: '/' }, null);
}

const ask = async (socketPath: string, method: string, path: string, body: object | null = null): Promise<unknown> =>
  JSON.parse(await send({ socketPath, method, path }, body)) as unknown;

function send(options: object, body: object | null): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = body === null ? {} : { 'Content-Type': 'application/json' };
    const sent = request({ agent: false, headers, ...options }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        response.statusCode === 200 || response.statusCode === 202 ? resolve(text) : reject(new Error(text)),
      );
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body === null ? undefined : JSON.stringify(body));
  });
}
