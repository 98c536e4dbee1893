import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attemptSpanId } from '../core/attempt-span.ts';
import { pairsWritten } from '../core/pair-headers.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { IdSource, isAcceptableRequestId } from './request-id.ts';
import { parseTraceparent } from './trace-context.ts';

const trace = '0af7651916cd43dd8448eb211c80319c';

function traceparentOf(ids: IdSource): string {
  const written = pairsWritten((sink) => ids.writeTraceparent(sink, trace, '01'));
  return written.get('traceparent') ?? '';
}

describe('IdSource', () => {
  it('makes UUIDs of version 7 that begin with the time', () => {
    const ids = new IdSource(new SeededRandom(1));
    for (let count = 0; count < 1000; count++) {
      const id = ids.requestId(0x0123456789ab);
      assert.match(id, /^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  it('makes ids that sort by time', () => {
    const ids = new IdSource(new SeededRandom(2));
    const made = [1, 2, 255, 256, 1_790_000_000_000].map((time) => ids.requestId(time));
    assert.deepEqual(made.toSorted(), made);
  });

  it('makes no id twice', () => {
    const ids = new IdSource(new SeededRandom(3));
    const made = new Set(Array.from({ length: 10_000 }, () => ids.requestId(1)));
    assert.equal(made.size, 10_000);
  });

  it('makes span ids that are not all zero, even by bad luck', () => {
    assert.match(
      traceparentOf(new IdSource(new SeededRandom(4))),
      /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/,
    );
    const zero = new IdSource({ next: () => 0, fill: (target) => void target.fill(0) });
    assert.equal(traceparentOf(zero), `00-${trace}-0000000000000001-01`);
  });

  it('makes ids of spans and traces that are random digits, and not all zero by bad luck', () => {
    const ids = new IdSource(new SeededRandom(8));
    const made = Array.from({ length: 5000 }, (_, index) => ids.hex(index % 2 === 0 ? 8 : 24));
    assert.equal(new Set(made).size, 5000);
    for (const [index, id] of made.entries()) assert.match(id, index % 2 === 0 ? /^[0-9a-f]{16}$/ : /^[0-9a-f]{48}$/);
    const zero = new IdSource({ next: () => 0, fill: (target) => void target.fill(0) });
    assert.deepEqual([zero.hex(8), zero.hex(24)], ['1'.padStart(16, '0'), '1'.padStart(48, '0')]);
  });

  it('writes the span of each attempt as the exporter finds it again', () => {
    const ids = new IdSource(new SeededRandom(9));
    for (const span of ['00f067aa0ba902b7', 'ffffffffffffffff', '0000000000000001'])
      for (const attempt of [0, 1, 9, 200]) {
        const written = pairsWritten((sink) => ids.writeTraceparent(sink, trace, '00', span, attempt));
        assert.equal(written.get('traceparent'), `00-${trace}-${attemptSpanId(span, attempt)}-00`);
        assert.notEqual(attemptSpanId(span, attempt), span);
      }
  });

  it('makes a new span each time', () => {
    const ids = new IdSource(new SeededRandom(5));
    assert.notEqual(traceparentOf(ids), traceparentOf(ids));
  });

  it('fills bytes with others each time, and no byte beside them', () => {
    const ids = new IdSource(new SeededRandom(7));
    const made = new Set<string>();
    for (let count = 0; count < 5000; count++) {
      const bytes = Buffer.alloc(10);
      ids.fill(bytes.subarray(1, 9));
      assert.deepEqual([bytes[0], bytes[9]], [0, 0]);
      made.add(bytes.toString('hex'));
    }
    assert.equal(made.size, 5000);
  });

  it('writes traces that are read again', () => {
    const text = traceparentOf(new IdSource(new SeededRandom(6)));
    assert.deepEqual(parseTraceparent(text), { traceId: trace, parentId: text.slice(36, 52), flags: '01' });
  });
});

describe('isAcceptableRequestId', () => {
  for (const id of [
    'a',
    '0198c0de-0000-7000-8000-000000000000',
    'Root=1-67891233-abcdef',
    'a'.repeat(128),
    'x/y+z==',
  ]) {
    it(`takes ${id.slice(0, 40)}`, () => assert.ok(isAcceptableRequestId(id)));
  }
  for (const id of ['', 'a'.repeat(129), 'a b', 'a\n', '<b>', '"', "'", '$(x)', 'ü', 'a, b', 'a;b']) {
    it(`refuses ${JSON.stringify(id.slice(0, 40))}`, () => assert.ok(!isAcceptableRequestId(id)));
  }
});
