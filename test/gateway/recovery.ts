import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { repositoryRoot } from '../../scripts/repository.ts';
import { freePort } from '../free-port.ts';
import { OwnProcess } from './own-process.ts';

/** What a client gets from an application that is down for a while. */
interface Recovery {
  /** From the moment the application listened to the end of the first 200. */
  readonly servedAfterMs: number;
  /** Answers of the gateway while nothing listened, by status. */
  readonly whileDown: Readonly<Record<number, number>>;
}

/** The pause between two requests: short enough to measure, long enough not to load a busy machine. */
const askEveryMs = 20;

/** Far longer than any recovery takes, so that a test fails with a figure instead of hanging. */
const timeoutMs = 30_000;

/** An application serves, is down for `downMs`, and comes back. */
export async function recoverAfter(downMs: number, workers = 2): Promise<Recovery> {
  const port = await freePort();
  const before = await startApplication(port);
  try {
    return await withGateway(port, workers, atOnce, async (gateway) => {
      await ask(gateway.port);
      await stop(before.child);
      const whileDown = await askFor(gateway.port, downMs);
      return comeBack(gateway, port, whileDown);
    });
  } finally {
    await stop(before.child);
  }
}

/** The gateway starts, and its application starts `laterMs` afterwards. */
export async function startLater(laterMs: number, workers = 2): Promise<Recovery> {
  const port = await freePort();
  return withGateway(port, workers, atOnce, async (gateway) => {
    const whileDown = await askFor(gateway.port, laterMs);
    return comeBack(gateway, port, whileDown);
  });
}

/** Requests do not wait for the application, so that they show when it is served. */
const atOnce = 'when_none_ready: { wait: none }';

/** The statuses of requests, one every 50 ms, while an application is killed and listens again `downMs` later. */
export async function statusesDuringRestart(downMs: number, method: string, workers = 2): Promise<readonly number[]> {
  const port = await freePort();
  const before = await startApplication(port);
  let after: ChildProcess | null = null;
  try {
    return await withGateway(port, workers, '', async (gateway) => {
      await ask(gateway.port);
      await stop(before.child);
      const asked: Promise<number>[] = [];
      for (const end = Date.now() + downMs; Date.now() < end; await sleep(50)) asked.push(ask(gateway.port, method));
      ({ child: after } = await startApplication(port));
      return await Promise.all(asked);
    });
  } finally {
    await stop(before.child);
    if (after !== null) await stop(after);
  }
}

async function withGateway<T>(
  port: number,
  workers: number,
  keys: string,
  run: (gateway: OwnProcess) => Promise<T>,
): Promise<T> {
  const upstream = `{ endpoints: "127.0.0.1:${port}"${keys === '' ? '' : `, ${keys}`} }`;
  const gateway = await OwnProcess.start(`workers: ${workers}\nupstreams: { app: ${upstream} }\n`);
  try {
    return await run(gateway);
  } finally {
    await gateway.stop();
  }
}

async function comeBack(gateway: OwnProcess, port: number, whileDown: Record<number, number>): Promise<Recovery> {
  const starting = startApplication(port);
  let isBack = false;
  const asking = (async () => {
    for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(askEveryMs)) {
      const status = await ask(gateway.port);
      if (status === 200) return Date.now();
      if (!isBack) whileDown[status] = (whileDown[status] ?? 0) + 1;
    }
    return Number.POSITIVE_INFINITY;
  })();
  const { child, listeningAt } = await starting;
  isBack = true;
  const servedAt = await asking;
  await stop(child);
  return { servedAfterMs: Math.max(0, servedAt - listeningAt), whileDown };
}

async function askFor(port: number, forMs: number): Promise<Record<number, number>> {
  const seen: Record<number, number> = {};
  for (const end = Date.now() + forMs; Date.now() < end; await sleep(askEveryMs)) {
    const status = await ask(port);
    seen[status] = (seen[status] ?? 0) + 1;
  }
  return seen;
}

async function ask(port: number, method = 'GET'): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/`, { method });
  await response.arrayBuffer();
  return response.status;
}

async function startApplication(port: number): Promise<{ child: ChildProcess; listeningAt: number }> {
  const program = join(repositoryRoot, 'test/gateway/fixtures/returning-application.mjs');
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  for await (const text of (child.stdout as NonNullable<ChildProcess['stdout']>).setEncoding('utf8')) {
    said += text as string;
    const at = /^listening (\d+)$/m.exec(said)?.[1];
    if (at !== undefined) return { child, listeningAt: Number(at) };
  }
  throw new Error(`the application ended before it listened on port ${port}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
