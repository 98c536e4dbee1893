import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import { FakeKitClock } from './fake-clock.test-support.ts';
import { currentRequest, ServedRequest } from './request-context.ts';
import { survivingAborts } from './serve.ts';

const left = new DOMException('the client has closed the connection', 'AbortError');

/** Runs a function that waits for its signal in the context of a request whose client leaves. */
async function leave(fail: (signal: AbortSignal) => unknown): Promise<{ lines: string[]; isDestroyed: boolean }> {
  const context = new ServedRequest({ headers: {} }, new FakeKitClock());
  const lines: string[] = [];
  let isDestroyed = false;
  const response = { destroy: () => (isDestroyed = true) } as unknown as ServerResponse;
  const app = async (): Promise<void> => {
    const { signal } = currentRequest() as ServedRequest;
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(fail(signal))));
  };
  context.run(() => survivingAborts(app, (line) => lines.push(line))({ method: 'GET' } as IncomingMessage, response));
  context.abort(left);
  await new Promise((resolve) => void setImmediate(resolve));
  return { lines, isDestroyed };
}

describe('a function that waits with the signal of its request', () => {
  test('ends no program when its client leaves', async () => {
    assert.deepEqual(await leave((signal) => signal.reason), { lines: [], isDestroyed: true });
  });

  test('is told of when it fails otherwise then, such as with the error of a library', async () => {
    const { lines } = await leave(() => new Error('canceled'));
    assert.deepEqual(lines, ['GET after its signal had aborted: Error: canceled']);
  });
});
