import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndedExchange } from '../core/exchange.ts';
import type { ResponseHead } from '../core/message.ts';
import { sampleAttempt, sampleExchange } from '../record/sample-exchange.test-support.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import { type HeaderPairs, PairHeaders } from '../core/pair-headers.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { ErrorBodies } from './error-bodies.ts';

const json: HeaderPairs = [['Content-Type', 'application/json; charset=utf-8']];

class Worker {
  readonly clock = new SimulatedClock();
  readonly bodies = new ErrorBodies(this.clock);

  answer(exchange: EndedExchange, parts: readonly string[], headers = json): void {
    this.bodies.begin(exchange, { status: 503, headers: new PairHeaders(headers) } as unknown as ResponseHead);
    for (const part of parts) {
      const bytes = Buffer.from(`<${part}>`);
      this.bodies.add(exchange, bytes, 1, bytes.length - 1);
    }
  }

  /** Route, endpoint, status and lines. */
  get taken(): unknown[] {
    return this.bodies
      .take(new TextRedactor())
      .map(({ route, endpoint, status, lines }) => [route, endpoint, status, ...lines]);
  }
}

const failed = (route = 'shop'): EndedExchange =>
  sampleExchange({ route, attempts: [sampleAttempt({ endpoint: 'shop/1', status: 503 })] });

test('the beginning of a 5xx is kept with its route and endpoint, without secrets, and told once', () => {
  const worker = new Worker();
  worker.answer(failed(), ['{"error":"no database",', '"password":"hunter2"}']);
  assert.deepEqual(worker.taken, [['shop', 'shop/1', 503, '{"error":"no database","password":"…"}']]);
  assert.deepEqual(worker.taken, []);
});

test('one a second is kept of each route, and the bytes of others are not mixed into it', () => {
  const worker = new Worker();
  const [first, second] = [failed(), failed()];
  worker.answer(first, ['one']);
  worker.answer(second, ['two']);
  worker.answer(failed('cart'), ['of cart']);
  assert.deepEqual(worker.taken, [
    ['shop', 'shop/1', 503, 'one'],
    ['cart', 'shop/1', 503, 'of cart'],
  ]);
  worker.clock.advanceSync(1000);
  worker.bodies.add(second, Buffer.from('the rest of two'), 0, 15);
  assert.deepEqual(worker.taken, []);
  worker.answer(failed(), ['three']);
  assert.deepEqual(worker.taken, [['shop', 'shop/1', 503, 'three']]);
});

test('nothing is kept of what is compressed, no text or empty', () => {
  for (const [headers, part] of [
    [[...json, ['Content-Encoding', 'gzip']], 'packed'],
    [[['Content-Type', 'image/png']], 'PNG'],
    [[], 'a\0b'],
    [json, ''],
  ] as const) {
    const worker = new Worker();
    worker.answer(failed(), [part], headers);
    assert.deepEqual(worker.taken, [], part);
  }
});

test('what is kept and told of long bodies and many routes is bounded, and half a secret at the end is not told', () => {
  const worker = new Worker();
  for (let route = 0; route < 100; route++)
    worker.answer(failed(`${route}`), [`${'\n'.repeat(2040)}all AKIA${'S'.repeat(9000)}`]);
  const taken = worker.taken;
  assert.equal(taken.length, 8);
  assert.deepEqual(taken[0], ['0', 'shop/1', 503, 'all']);
});

test('a body of which more follows ends with a whole word', () => {
  const worker = new Worker();
  const exchange = failed();
  worker.answer({ ...exchange, endedAt: exchange.startedAt }, ['out of mem']);
  assert.deepEqual(worker.taken, [['shop', 'shop/1', 503, 'out of']]);
});
