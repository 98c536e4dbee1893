// Only `npm run test:complete` runs this file: it plays a thousand messages to other readers of HTTP. `npm test` has the cases
// of the documents (`test/conformance`).

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compare } from './compare.ts';
import { differ, readers } from './differential.ts';
import type { ReadMessage, Reading } from './reading.ts';

/** The number of random messages, which are always the same; `npm run differential` draws others. */
const samplesMax = 1000;

describe('other readers of HTTP', { concurrency: true }, () => {
  for (const { name, missing } of readers) {
    it(`${name} differs from Candor only where the documents give a reason`, async (context) => {
      if (missing !== null) return context.skip(missing);
      let left = samplesMax;
      const { samples, explained, unexplained, untrue } = await differ(name, 'the suite', () => left-- > 0);
      context.diagnostic(`${samples} messages, ${explained.size} lines of the documents have explained a difference`);
      assert.deepEqual(unexplained, []);
      // Another version of another program may have changed; the documents describe the Node version that runs here.
      if (name === 'node') assert.deepEqual(untrue, []);
      else for (const text of untrue) context.diagnostic(`no longer true: ${text}`);
      assert.ok(samples > samplesMax && explained.size >= 10);
    });
  }
});

const a: ReadMessage = { start: 'GET /a', host: 'a', body: '0' };
const b: ReadMessage = { start: 'GET /b', host: 'a', body: '0' };

function reading(end: Reading['end'], ...messages: readonly ReadMessage[]): Reading {
  return { messages, end, why: end === 'refused' ? 'why' : '' };
}

describe('the comparison of two readings', () => {
  for (const [what, candor, other, kind] of [
    ['the same', reading('over', a, b), reading('over', a, b), null],
    ['a refusal of the same', reading('refused', a), reading('refused', a), null],
    ['a message that closes, and another after it', reading('over', a), reading('over', a, b), null],
    ['a refusal of an incomplete message', reading('partial', a), reading('refused', a), null],
    ['another content', reading('over', a), reading('over', { ...a, body: '1 x' }), 'reads-otherwise'],
    ['a request that Candor refuses', reading('refused', a), reading('over', a, b), 'candor-refuses'],
    ['an earlier refusal', reading('refused', a), reading('refused'), 'other-refuses'],
    ['a request that the other refuses', reading('over', a, b), reading('refused', a), 'other-refuses'],
    ['a request that the other does not see', reading('over', a, b), reading('over', a), 'other-stops'],
    ['a request that is incomplete to Candor', reading('partial', a), reading('over', a, b), 'candor-waits'],
  ] as const) {
    it(`calls ${what} ${kind ?? 'no disagreement'}`, () => assert.equal(compare(candor, other)?.kind ?? null, kind));
  }
});
