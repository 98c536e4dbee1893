import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FetchWorld, nodeError, settle } from './fetch-world.test-support.ts';
import { CallTimeoutError, GatewayError } from './gateway-error.ts';

const url = 'https://api.example.org/file';
const bytes = new TextEncoder().encode('0123456789');

interface Source {
  readonly response: Response;
  readonly push: (part?: Uint8Array | Error) => void;
  cancelled: unknown;
}

/** A response whose body the test sends part by part; without a part it ends. */
function source(headers: Readonly<Record<string, string>> = {}, status = 200): Source {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: (reason) => void (made.cancelled = reason ?? 'cancelled'),
  });
  const made: Source = {
    response: new Response(body, { status, headers }),
    cancelled: null,
    push: (part) => {
      if (part === undefined) controller?.close();
      else if (part instanceof Error) controller?.error(part);
      else controller?.enqueue(part);
    },
  };
  return made;
}

/** A world with one source per request. */
function worldOf(sources: readonly Source[], options: object = {}): FetchWorld {
  return new FetchWorld((_, number) => (sources[number - 1] as Source).response, options);
}

describe('a body that the caller reads', () => {
  test('passes as it comes, with the status, the headers and the address of the response', async () => {
    const one = source({ 'content-type': 'text/plain', 'x-a': 'b' }, 201);
    const world = worldOf([one]);
    const response = await world.finish(world.fetch(url));
    one.push(bytes);
    one.push();
    assert.deepEqual(
      [response.status, response.headers.get('x-a'), response.ok, response.bodyUsed],
      [201, 'b', true, false],
    );
    assert.equal(response.url, one.response.url);
    const copy = response.clone();
    assert.equal(copy.url, response.url);
    assert.deepEqual([await response.text(), await copy.text()], ['0123456789', '0123456789']);
    assert.equal(world.clock.timersLive, 0);
  });

  test('that breaks is an error with its shape', async () => {
    const one = source();
    const world = worldOf([one]);
    const response = await world.finish(world.fetch(url, { method: 'POST' }));
    one.push(bytes);
    one.push(nodeError('UND_ERR_SOCKET'));
    await assert.rejects(response.text(), (error) => {
      assert.ok(error instanceof GatewayError);
      assert.deepEqual(
        [error.shape, error.cause, error.delivery, error.mayHaveBeenExecuted, error.retryReason],
        ['reset', 'response_body_reset', 'response_started', true, 'response_started'],
      );
      return true;
    });
    assert.equal(world.clock.timersLive, 0);
  });

  test('that stands still ends after its idle time, and only while it is read', async () => {
    const one = source();
    const world = worldOf([one]);
    const response = await world.finish(world.fetch(url));
    await world.clock.advance(100_000);
    const read = response.text().catch((error: unknown) => error);
    await settle();
    await world.clock.advance(29_999);
    one.push(bytes);
    await settle();
    await world.clock.advance(30_000);
    const error = await read;
    assert.ok(error instanceof CallTimeoutError);
    assert.deepEqual([error.shape, error.cause], ['too_slow', 'response_body_stalled']);
    assert.ok(one.cancelled !== null);
    assert.equal(world.clock.timersLive, 0);
  });

  test('of events stands still as long as it wants', async () => {
    const one = source({ 'content-type': 'text/event-stream' });
    const world = worldOf([one]);
    const response = await world.finish(world.fetch(url));
    const read = response.text();
    await settle();
    await world.clock.advance(1_000_000);
    one.push();
    assert.equal(await read, '');
  });

  test('ends with the reason of its caller, whose signal is then free', async () => {
    const reason = new Error('changed my mind');
    const one = source();
    const world = worldOf([one]);
    const caller = new AbortController();
    const response = await world.finish(world.fetch(url, { signal: caller.signal }));
    const read = response.text().catch((error: unknown) => error);
    await settle();
    caller.abort(reason);
    assert.equal(await read, reason);
    assert.equal(world.sent[0]?.signal.reason, reason);
    assert.equal(world.clock.timersLive, 0);
  });

  test('is cancelled where its caller cancels it', async () => {
    const one = source();
    const world = worldOf([one]);
    const response = await world.finish(world.fetch(url));
    await response.body?.cancel('enough');
    assert.equal(one.cancelled, 'enough');
  });

  test('is within the time of the call only if wanted', async () => {
    for (const overallCoversBody of [false, true]) {
      const one = source();
      const world = worldOf([one], { timeouts: { overallMs: 5000, bodyIdleMs: null, overallCoversBody } });
      const response = await world.finish(world.fetch(url));
      const read = response.text().catch((error: unknown) => error);
      await settle();
      await world.clock.advance(5000);
      if (overallCoversBody) assert.ok((await read) instanceof CallTimeoutError);
      else {
        one.push(bytes);
        one.push();
        assert.equal(await read, '0123456789');
      }
      assert.equal(world.clock.timersLive, 0);
    }
  });

  test('without content stays without', async () => {
    const world = new FetchWorld(() => new Response(null, { status: 204 }));
    assert.equal((await world.finish(world.fetch(url))).body, null);
  });
});

describe('a short body', () => {
  test('that is cut is asked for again, if the request may be sent again', async () => {
    const [cut, whole] = [source({ 'content-length': '10' }), source({ 'content-length': '10' })];
    cut.push(bytes.subarray(0, 4));
    cut.push(nodeError('UND_ERR_SOCKET'));
    whole.push(bytes);
    whole.push();
    const world = worldOf([cut, whole]);
    const response = await world.finish(world.fetch(url));
    assert.equal(await response.text(), '0123456789');
    assert.equal(world.sent.length, 2);
    assert.equal(world.clock.timersLive, 0);
  });

  test('that is cut after a POST is the answer, and breaks where it is read', async () => {
    const cut = source({ 'content-length': '10' }, 201);
    cut.push(bytes.subarray(0, 4));
    cut.push(nodeError('UND_ERR_SOCKET'));
    const world = worldOf([cut]);
    const response = await world.finish(world.fetch(url, { method: 'POST' }));
    assert.deepEqual([response.status, world.sent.length], [201, 1]);
    await assert.rejects(response.text(), (error) => error instanceof GatewayError && error.shape === 'reset');
  });

  test('is not waited for beyond the time of its attempt', async () => {
    const [late, whole] = [source({ 'content-length': '10' }), source({ 'content-length': '10' })];
    whole.push(bytes);
    whole.push();
    const world = worldOf([late, whole], { timeouts: { attemptMs: 2000 } });
    assert.equal(await (await world.finish(world.fetch(url))).text(), '0123456789');
    assert.ok(world.clock.now() >= 2000 && world.clock.now() < 3000);
  });

  test('of events is not waited for', async () => {
    const one = source({ 'content-length': '10', 'content-type': 'text/event-stream' });
    const world = worldOf([one]);
    await world.finish(world.fetch(url));
    assert.equal(world.clock.now(), 0);
  });
});

describe('the body of an answer that nobody gets', () => {
  test('is read if it is small, so that its connection can be used again', async () => {
    const one = source({}, 503);
    one.push(bytes);
    one.push();
    const good = source();
    const world = worldOf([one, good]);
    await world.finish(world.fetch(url));
    assert.deepEqual([one.response.bodyUsed, one.cancelled], [true, null]);
    assert.equal(world.clock.timersLive, 0);
  });

  test('is cancelled if it is large, or does not come', async () => {
    const large = source({}, 503);
    for (let part = 0; part < 3; part++) large.push(new Uint8Array(40_000));
    const silent = source({}, 503);
    const huge = source({ 'content-length': '10000000' }, 503);
    const world = worldOf([large, silent, huge, source()], { budget: { minimum: 5 } });
    await world.finish(world.fetch(url));
    await world.clock.advance(2000);
    await settle();
    for (const { cancelled } of [large, silent, huge]) assert.notEqual(cancelled, null);
    assert.equal(world.clock.timersLive, 0);
  });

  test('is judged by its beginning within a second, and the caller can still read all of it', async () => {
    const slow = source({}, 500);
    slow.push(bytes);
    const world = worldOf([slow]);
    const response = await world.finish(world.fetch(url));
    assert.ok(world.clock.now() <= 1000);
    slow.push(bytes);
    slow.push();
    assert.equal(await response.text(), '01234567890123456789');
  });
});

test('a status that no response may be made with passes as it came', async () => {
  const strange = Object.defineProperty(new Response('denied'), 'status', { value: 999 });
  const world = new FetchWorld(() => strange, { retry: false });
  const response = await world.finish(world.fetch(url));
  assert.deepEqual([response.status, await response.text()], [999, 'denied']);
});
