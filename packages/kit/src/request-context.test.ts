import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeKitClock } from './fake-clock.test-support.ts';
import { currentRequest, ServedRequest } from './request-context.ts';

const requestOf = (headers: Record<string, string>, clock = new FakeKitClock()): ServedRequest =>
  new ServedRequest({ headers }, clock);

const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

const ids: readonly (readonly [what: string, id: string, isKept: boolean])[] = [
  ['a UUID', '019a2f4e-8c1b-7d20-9f3a-5b6c7d8e9f01', true],
  ['an id of AWS', '1-67891233-abcdef012345678912345678', true],
  ['a line break', 'a\nlevel=error', false],
  ['a quote', 'a"b', false],
  ['a space', 'a b', false],
  ['129 characters', 'a'.repeat(129), false],
  ['nothing', '', false],
];

for (const [what, id, isKept] of ids)
  test(`${isKept ? 'keeps' : 'replaces'} an id that is or has ${what}`, () => {
    const request = requestOf({ 'x-request-id': id });
    assert.equal(request.id === id, isKept);
    assert.match(request.id, /^[\w-]+$/);
  });

const traces: readonly (readonly [what: string, traceparent: string, traceId: string | null])[] = [
  ['a traceparent', trace, '4bf92f3577b34da6a3ce929d0e0e4736'],
  ['one of a later version', `cc${trace.slice(2)}-extra`, '4bf92f3577b34da6a3ce929d0e0e4736'],
  ['a trace of zeros', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, null],
  ['a text', 'yes', null],
];

for (const [what, traceparent, traceId] of traces)
  test(`${traceId === null ? 'drops' : 'reads'} ${what}`, () => {
    const request = requestOf({ traceparent, tracestate: 'a=b' });
    assert.equal(request.traceId, traceId);
    assert.equal(request.tracestate, traceId === null ? null : 'a=b');
  });

describe('the signal of a request', () => {
  test('aborts when the gateway stops waiting', async () => {
    const clock = new FakeKitClock();
    const request = requestOf({ 'x-envoy-expected-rq-timeout-ms': '1500' }, clock);
    await clock.pass(1000);
    const { signal } = request;
    assert.equal(request.remainingMs(), 500);
    await clock.pass(499);
    assert.equal(signal.aborted, false);
    await clock.pass(1);
    assert.equal((signal.reason as DOMException).name, 'TimeoutError');
    assert.equal(request.remainingMs(), 0);
  });

  test('does not abort for that once the response has begun, such as that of an event stream', async () => {
    const clock = new FakeKitClock();
    const { signal } = new ServedRequest({ headers: { 'x-envoy-expected-rq-timeout-ms': '1500' } }, clock, () => true);
    await clock.pass(2000);
    assert.equal(signal.aborted, false);
  });

  test('starts no timer before it is asked for, and leaves none behind', () => {
    const clock = new FakeKitClock();
    const request = requestOf({ 'x-envoy-expected-rq-timeout-ms': '1500' }, clock);
    assert.equal(clock.timers, 0);
    const { signal } = request;
    assert.equal(clock.timers, 1);
    request.end();
    assert.equal(clock.timers, 0);
    request.abort(new DOMException('late', 'AbortError'));
    assert.equal(signal.aborted, false);
  });

  test('that is asked for after the client has left is aborted', () => {
    const request = requestOf({});
    request.abort(new DOMException('left', 'AbortError'));
    assert.equal((request.signal.reason as DOMException).message, 'left');
  });

  for (const waits of ['0', '-1', 'soon', '', '1e9'])
    test(`has no deadline where the gateway says ${JSON.stringify(waits)}`, () => {
      const clock = new FakeKitClock();
      const request = requestOf({ 'x-envoy-expected-rq-timeout-ms': waits }, clock);
      assert.deepEqual([request.signal.aborted, request.remainingMs(), clock.timers], [false, null, 0]);
    });
});

test('code outside of a request has none', () => {
  assert.equal(currentRequest(), undefined);
  const request = requestOf({});
  assert.equal(
    request.run(() => currentRequest()),
    request,
  );
});
