import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OutputLine, OutputSource } from '../core/output-line.ts';
import { divideLines } from './line-divider.ts';

const id = '019aa5d2-5f1c-7c3e-9f0a-000000000006';
const otherId = '019aa5d2-5f1c-7c3e-9f0a-000000000007';
const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const otherTrace = '0af7651916cd43dd8448eb211c80319c';

const line = (text: string, stream: OutputSource['stream'] = 'stderr'): OutputLine => ({
  at: 0,
  source: { application: 'shop', instance: 'shop/1', pid: 7, stream, path: null },
  text,
  leftOut: 0,
});

function divided(texts: readonly (string | OutputLine)[], ids: readonly string[] = [id, trace]) {
  const lines = texts.map((text) => (typeof text === 'string' ? line(text) : text));
  const { ownByFreeId, nearby } = divideLines(lines, ids);
  return { ownByFreeId: ownByFreeId.map(({ text }) => text), nearby: nearby.map(({ text }) => text) };
}

describe('lines that an instance printed while it had a request', () => {
  test('are not nearby if they name another request or trace, and neither if they name this one, which the index finds', () => {
    const foreign = [`order ${otherId} failed`, `traceparent=00-${otherTrace}-00f067aa0ba902b7-01`];
    assert.deepEqual(divided(['garbage collected', ...foreign, `order ${id} failed`, `span of ${trace}`]), {
      ownByFreeId: [],
      nearby: ['garbage collected'],
    });
  });

  test('are not about it if they are the stack under such a line, in the same stream', () => {
    const texts = [
      `Error in ${otherId}`,
      '    at theirs',
      line('  of another stream', 'stdout'),
      '    at theirs too',
      `Error in ${id}`,
      '    at ours',
      'no stock left',
    ];
    assert.deepEqual(divided(texts).nearby, ['  of another stream', '    at ours', 'no stock left']);
  });

  test('are about it if they have the id that a trusted peer gave it, as a whole', () => {
    const texts = ['paid checkout-4', 'request_id=checkout-42 paid', 'checkout-421', `checkout-42 in ${trace}`];
    const { ownByFreeId, nearby } = divided(texts, ['checkout-42', trace]);
    assert.deepEqual(ownByFreeId, ['request_id=checkout-42 paid']);
    assert.deepEqual(nearby, ['paid checkout-4', 'checkout-421']);
  });

  test('are not about it because of an id so short that other things have it too', () => {
    assert.deepEqual(divided(['42 orders'], ['42']), { ownByFreeId: [], nearby: ['42 orders'] });
  });

  for (const other of ['request_id=checkout-43', '{"reqId":"checkout-43"}', 'X-Request-Id: checkout-43', 'trace-id=7'])
    test(`are of another request if the application prints the ids of the gateway, and another one: ${other}`, () => {
      assert.deepEqual(divided(['checkout-42 begins', other], ['checkout-42']).nearby, []);
      assert.deepEqual(divided([`${id} begins`, other]).nearby, []);
    });

  test('may be about it if the application numbers its requests itself', () => {
    assert.deepEqual(divided(['{"reqId":"req-5"}', '{"reqId":"req-6"}']).nearby, [
      '{"reqId":"req-5"}',
      '{"reqId":"req-6"}',
    ]);
  });
});
