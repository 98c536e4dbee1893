import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { repositoryRoot } from '../../scripts/repository.ts';
import { freePort } from '../free-port.ts';
import { OwnProcess } from './own-process.ts';

/** What a client gets from an application that is down for a while. */
export interface Recovery {
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
    return await withGateway(port, workers, async (gateway) => {
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
  return withGateway(port, workers, async (gateway) => {
    const whileDown = await askFor(gateway.port, laterMs);
    return comeBack(gateway, port, whileDown);
  });
}

async function withGateway<T>(port: number, workers: number, run: (gateway: OwnProcess) => Promise<T>): Promise<T> {
  const gateway = await OwnProcess.start(`workers: ${workers}\nupstreams: { app: "127.0.0.1:${port}" }\n`);
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

async function ask(port: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/`);
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
