import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { drainServer } from './drain.ts';
import { FakeKitClock } from './fake-clock.test-support.ts';

interface Played {
  readonly steps: readonly string[];
  readonly lines: readonly string[];
  readonly code: number | undefined;
}

interface DrainPlay {
  readonly idleAt: number | null;
  readonly onDrain?: () => unknown;
  readonly onClose?: () => unknown;
}

/** Drains with 5 s of notice, 1 s for idle connections and 9 s for all. */
async function play({ idleAt, onDrain = () => {}, onClose = () => {} }: DrainPlay, passMs = 20_000): Promise<Played> {
  const clock = new FakeKitClock();
  const steps: string[] = [];
  const lines: string[] = [];
  const step = (what: string): void => void steps.push(`${clock.now()} ${what}`);
  const isIdle = (): boolean => idleAt !== null && clock.now() >= idleAt;
  let code: number | undefined;
  const drained = drainServer({
    clock,
    times: { noticeMs: 5000, idleMs: 1000, timeoutMs: 9000 },
    server: {
      unfinished: () => (isIdle() ? [] : ['GET /slow', 'POST /orders']),
      onIdle: (idle) => {
        if (idleAt !== null) clock.after(Math.max(0, idleAt - clock.now()), idle);
      },
      closeListener: () => step('closes the listener'),
      closeIdle: () => step('closes idle connections'),
      destroy: () => step('destroys connections'),
    },
    onDrain,
    onClose: () => {
      step('onClose');
      return onClose();
    },
    log: (line) => void lines.push(line),
  }).then((result) => {
    step('over');
    code = result;
  });
  await clock.pass(passMs);
  if (code !== undefined) {
    await drained;
    assert.equal(clock.timers, 0, 'it leaves a timer behind');
  }
  return { steps, lines, code };
}

describe('a drain', () => {
  test('closes the listener after the notice, then idle connections, and waits for requests', async () => {
    assert.deepEqual(await play({ idleAt: 7500 }), {
      steps: [
        '5000 closes the listener',
        '6000 closes idle connections',
        '7500 destroys connections',
        '7500 onClose',
        '7500 over',
      ],
      lines: [],
      code: 0,
    });
  });

  test('cuts what is left at its deadline, and says so in its last line', async () => {
    const { steps, lines, code } = await play({ idleAt: null });
    assert.deepEqual(steps.slice(2), ['9000 destroys connections', '9000 onClose', '9000 over']);
    assert.deepEqual(lines, [
      'Error: 2 requests were not finished 9 s after the signal, and cut: GET /slow, POST /orders',
    ]);
    assert.equal(code, 1);
  });

  test('with a failing onClose ends with 1, and says why', async () => {
    const { lines, code } = await play({ idleAt: 0, onClose: () => Promise.reject(new RangeError('no pool')) });
    assert.deepEqual([lines, code], [['Error: onClose failed: RangeError: no pool'], 1]);
  });

  const failing: readonly (readonly [string, () => unknown, string])[] = [
    [
      'throws',
      () => {
        throw new RangeError('no pool');
      },
      'Error: onDrain failed: RangeError: no pool',
    ],
    ['rejects', () => Promise.reject(Object.create(null)), 'Error: onDrain failed: an object without a text'],
  ];
  for (const [how, onDrain, line] of failing)
    test(`goes on where onDrain ${how}, and says so`, async () => {
      const { steps, lines, code } = await play({ idleAt: 0, onDrain });
      assert.deepEqual([steps[0], lines, code], ['5000 closes the listener', [line], 0]);
    });

  test('waits for onDrain, but not for one that hangs', async () => {
    const slow = await play({ idleAt: 0, onDrain: () => new Promise((resolve) => void setImmediate(resolve)) });
    assert.deepEqual([slow.steps[0], slow.lines], ['5000 closes the listener', []]);
    const { steps, lines, code } = await play({ idleAt: 0, onDrain: () => new Promise(() => {}) });
    assert.deepEqual(
      [steps[0], steps.at(-1), lines, code],
      ['8000 closes the listener', '9000 over', ['Error: onDrain did not end within 8000 ms'], 0],
    );
  });

  test('does not wait for an onClose that hangs', async () => {
    const { steps, lines, code } = await play({ idleAt: 0, onClose: () => new Promise(() => {}) });
    assert.deepEqual([steps.at(-1), lines, code], ['9000 over', ['Error: onClose did not end within 3000 ms'], 1]);
  });

  test('gives onClose a second where requests have used up the time', async () => {
    const { steps } = await play({ idleAt: null, onClose: () => new Promise(() => {}) });
    assert.equal(steps.at(-1), '10000 over');
  });
});
