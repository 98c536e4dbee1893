// Starts processes: signals, exit codes and last words are those of a process, and restarts need a gateway and two instances.

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { describe, test } from 'node:test';
import { wordsAfterExit } from '#failures/last-words.ts';
import { freePort } from '../free-port.ts';
import { answers, endProcess } from './kit-gateways.ts';
import { restartRolling, startSample } from './rolling-restarts.ts';

interface Sample {
  readonly child: ChildProcess;
  readonly port: number;
  readonly output: () => string[];
}

async function start(context: { after(run: () => unknown): void }, drain: object): Promise<Sample> {
  const port = await freePort();
  const child = startSample('http', port, { KIT_OPTIONS: JSON.stringify({ host: '127.0.0.1', port, drain }) });
  context.after(() => endProcess(child));
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => (text += bytes.toString()));
  await answers(port, '/readyz');
  return { child, port, output: () => text.trimEnd().split('\n') };
}

async function prints({ child, output }: Pick<Sample, 'child' | 'output'>, beginning: string): Promise<void> {
  while (!output().some((line) => line.startsWith(beginning)))
    await Promise.race([child.stdout, child.stderr].map((stream) => once(stream ?? child, 'data')));
}

const exitOf = async (child: ChildProcess): Promise<number | null> => {
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
};

describe('a program with the kit', { timeout: 180_000 }, () => {
  test('loses no request in restarts behind Candor at a hundred requests a second', async () => {
    const plan = { framework: 'http', gateways: ['candor'], restarts: 2, rate: 100 };
    const [figures] = await restartRolling(plan);
    assert.deepEqual([figures?.failed, figures?.kinds, figures?.otherCodes], [0, [], 0]);
    assert.ok((figures?.sent ?? 0) > 200);
  });

  test('ends with 1 where requests were cut, and its last words say which', async (context) => {
    const { child, port, output } = await start(context, { noticeMs: 0, idleMs: 0, timeoutMs: 300 });
    const cut = new Promise(
      (resolve) => void get({ port, path: '/slow30000?token=a', agent: false }).on('error', resolve),
    );
    await prints({ child, output }, 'slow');
    child.kill('SIGTERM');
    assert.equal(await exitOf(child), 1);
    await cut;
    const words = wordsAfterExit(output(), { code: 1 });
    assert.equal(words?.error, 'Error: 1 request was not finished 0.3 s after the signal, and cut: GET /slow30000');
  });

  test('ends at once at a second signal', async (context) => {
    const { child, output } = await start(context, { noticeMs: 8000 });
    child.kill('SIGTERM');
    await prints({ child, output }, 'SIGTERM: not ready');
    child.kill('SIGINT');
    assert.equal(await exitOf(child), 130);
  });
});
