import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { candorMain } from '../../test/program.ts';
import { type DeployTarget, type TargetStart, until, untilAnswers } from './target.ts';

interface Shown {
  readonly rollout: object | null;
  readonly rollouts: readonly { readonly to: number; readonly state: string; readonly reason: string }[];
  readonly releases: readonly { readonly number: number; readonly name: string }[];
}

interface Status {
  readonly pid: number;
  readonly state: string;
  readonly listeners: readonly { readonly address: string }[];
}

export const startCandor: TargetStart = async (folder, program): Promise<DeployTarget> => {
  const socketPath = join(folder, 'admin.sock');
  for (const name of ['first', 'next']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'first', program.file), program.textOf('v0'));
  writeFileSync(
    join(folder, 'candor.yaml'),
    `state: ./state\nlisteners: { http: "127.0.0.1:0" }\nadmin: { socket: ${socketPath} }\nlog: { path: none }\ndrain: { timeout: 20s }\n` +
      `applications:\n  web:\n    command: ${JSON.stringify(program.command)}\n    directory: ./first\n    instances: 2\n    readiness: { path: /, interval: 50ms }\n` +
      `    releases: { bake: 2s, warm: none }\nroutes: [{ to: web }]\n`,
  );
  const ask = (method: string, path: string, body: object | null = null): Promise<string> =>
    askAdmin(socketPath, method, path, body);
  const json = async <T>(method: string, path: string, body: object | null = null): Promise<T> =>
    JSON.parse(await ask(method, path, body)) as T;
  const status = (): Promise<Status> => json('GET', '/v1/status');
  const first = spawn(process.execPath, [candorMain, 'up'], { cwd: folder, stdio: 'ignore' });
  const pids = new Set([first.pid as number]);
  const stop = async (): Promise<void> => {
    for (const pid of pids) end(pid, 'SIGTERM');
    await until('the gateway has ended', async () => [...pids].every((pid) => !isRunning(pid)), 30_000).catch(() => {
      for (const pid of pids) end(pid, 'SIGKILL');
    });
  };
  try {
    await until('the gateway serves', async () => (await status()).state === 'serving');
    const port = Number(/\d+$/.exec((await status()).listeners[0]?.address ?? '')?.[0]);
    await untilAnswers(port);
    return {
      port,
      stop,
      deploy: async (version) => {
        writeFileSync(join(folder, 'next', program.file), program.textOf(version));
        const from = { kind: 'folder', path: join(folder, 'next') };
        await ask('POST', '/v1/releases/deploy', { application: 'web', name: version, from });
        for (;;) {
          const { applications } = await json<{ applications: Shown[] }>('GET', '/v1/releases');
          const { rollout, rollouts, releases } = applications[0] as Shown;
          const made = releases.find(({ name }) => name === version);
          const [last] = rollouts;
          if (rollout === null && last !== undefined && last.to === made?.number) {
            if (last.state !== 'promoted') throw new Error(`${version} was ${last.state}: ${last.reason}`);
            break;
          }
          await sleep(50);
        }
        const { events } = await json<{ events: { kind: string; at: string }[] }>('GET', '/v1/events?since=1h');
        return events.flatMap(({ kind, at }) => (kind === 'instance_ready' ? [Date.parse(at)] : []));
      },
      upgrade: async () => {
        const before = (await status()).pid;
        const lines = await ask('POST', '/v1/upgrade?timeout=50');
        if (!lines.includes('"outcome":"done"')) throw new Error(`the upgrade failed: ${lines.slice(-500)}`);
        await until('the successor serves', async () => {
          const { pid, state } = await status();
          pids.add(pid);
          return pid !== before && state === 'serving';
        });
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

function askAdmin(socketPath: string, method: string, path: string, body: object | null): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json' };
    const sent = request(
      { socketPath, method, path, agent: false, ...(body === null ? {} : { headers }) },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('error', reject).on('end', () => {
          if (response.statusCode === 200 || response.statusCode === 202) resolve(text);
          else reject(new Error(`${method} ${path}: ${response.statusCode}: ${text.slice(0, 300)}`));
        });
      },
    );
    sent.on('error', reject).end(body === null ? undefined : JSON.stringify(body));
  });
}

function end(pid: number, signal: NodeJS.Signals): void {
  if (isRunning(pid)) process.kill(pid, signal);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
