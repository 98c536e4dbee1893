import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compare } from './compare.ts';
import { differ, readers } from './differential.ts';
import type { ReadMessage, Reading } from './reading.ts';

/** So many messages by chance, always the same ones; `npm run differential` draws others. */
const samplesMax = 1000;

describe('how others read', { concurrency: true }, () => {
  for (const { name, missing } of readers) {
    it(`${name} differs from Candor only where the documents say why`, async (context) => {
      if (missing !== null) return context.skip(missing);
      let left = samplesMax;
      const { samples, explained, unexplained, untrue } = await differ(name, 'the suite', () => left-- > 0);
      context.diagnostic(`${samples} messages, ${explained.size} lines of the documents have explained something`);
      assert.deepEqual(unexplained, []);
      // Another version of somebody else's program may well have come round; our own Node is what the documents mean.
      if (name === 'node') assert.deepEqual(untrue, []);
      else for (const text of untrue) context.diagnostic(`no longer so: ${text}`);
      assert.ok(samples > samplesMax && explained.size >= 10);
    });
  }
});

const a: ReadMessage = { start: 'GET /a', host: 'a', content: '0' };
const b: ReadMessage = { start: 'GET /b', host: 'a', content: '0' };

function reading(end: Reading['end'], ...messages: readonly ReadMessage[]): Reading {
  return { messages, end, why: end === 'refused' ? 'why' : '' };
}

describe('comparing', () => {
  for (const [what, candor, other, kind] of [
    ['the same', reading('over', a, b), reading('over', a, b), null],
    ['a refusal of the same', reading('refused', a), reading('refused', a), null],
    ['a message that closes, and another behind it', reading('over', a), reading('over', a, b), null],
    ['a refusal of what is not whole', reading('partial', a), reading('refused', a), null],
    ['another content', reading('over', a), reading('over', { ...a, content: '1 x' }), 'reads-otherwise'],
    ['a request that Candor refuses', reading('refused', a), reading('over', a, b), 'candor-refuses'],
    ['an earlier refusal', reading('refused', a), reading('refused'), 'other-refuses'],
    ['a request that the other refuses', reading('over', a, b), reading('refused', a), 'other-refuses'],
    ['a request that the other does not see', reading('over', a, b), reading('over', a), 'other-stops'],
    ['a request that is not whole to Candor', reading('partial', a), reading('over', a, b), 'candor-waits'],
  ] as const) {
    it(`${what} is ${kind ?? 'no disagreement'}`, () => assert.equal(compare(candor, other)?.kind ?? null, kind));
  }
});
