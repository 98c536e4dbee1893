import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transport } from '../../core/transport.ts';
import { HeadStorage } from '../../wire/head-storage.ts';
import { methodBytesMax } from '../../wire/limits.ts';
import { RequestReader } from './request-reader.ts';

const limits = { headBytesMax: 4096, headersMax: 32, targetBytesMax: 1024, methodBytesMax };
const request = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n');

/** A reader whose requests are answered at once, or only when `answer` is called. */
function reading(how: 'at once' | 'later', pipelinedMax = 4) {
  const seen = { heads: 0, turns: 0, paused: false };
  const transport = { pause: () => void (seen.paused = true), resume: () => void (seen.paused = false) };
  const answer = (): void => {
    reader.next();
    reader.readHeld();
  };
  const reader: RequestReader = new RequestReader(
    transport as Transport,
    limits,
    'http',
    false,
    pipelinedMax,
    new HeadStorage(),
    {
      onHeadBegins() {},
      onHeadAwaited() {},
      onHead() {
        seen.heads++;
        if (how === 'at once') answer();
      },
      onHeadRefused: (rule) => assert.fail(rule),
      onBody() {},
      onBodyRead() {},
      onRead() {},
      onTurnSpent: () => void seen.turns++,
    },
  );
  const push = (bytes: Buffer): void => reader.push(bytes, 0, bytes.length);
  return { seen, reader, push, answer };
}

test('a connection is read no further when enough requests wait behind the current one', () => {
  const { seen, push, answer } = reading('later');
  push(request);
  for (let waiting = 0; waiting < 3; waiting++) push(request);
  assert.deepEqual(seen, { heads: 1, turns: 0, paused: false });
  push(request);
  assert.deepEqual(seen, { heads: 1, turns: 0, paused: true });
  for (let answered = 0; answered < 3; answered++) answer();
  assert.deepEqual(seen, { heads: 4, turns: 0, paused: true });
  answer();
  assert.deepEqual(seen, { heads: 5, turns: 0, paused: false });
});

test('all requests of one read are answered, however many they are', () => {
  const { seen, push, answer } = reading('later');
  push(Buffer.concat(Array.from({ length: 20 }, () => request)));
  for (let answered = 0; answered < 20; answered++) answer();
  assert.deepEqual(seen, { heads: 20, turns: 0, paused: false });
});

test('a connection with a thousand requests gives other connections their turns', () => {
  const { seen, reader, push } = reading('at once');
  push(Buffer.concat(Array.from({ length: 1000 }, () => request)));
  let turns = 0;
  while (seen.turns > turns) {
    assert.ok(seen.heads <= (turns + 1) * 32, `${seen.heads} heads in ${turns + 1} turns`);
    turns = seen.turns;
    reader.readHeld();
  }
  assert.equal(seen.heads, 1000);
  assert.ok(turns >= 30, `${turns} turns`);
  assert.equal(seen.paused, false);
});

test('a connection between two turns is not idle', () => {
  const { reader, push } = reading('at once');
  push(Buffer.concat(Array.from({ length: 40 }, () => request)));
  assert.equal(reader.isBetween, false);
  reader.readHeld();
  assert.equal(reader.isBetween, true);
});
