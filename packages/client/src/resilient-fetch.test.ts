import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RetryEvent } from './client-hooks.ts';
import { FetchWorld, settle, nodeError, problem, type Reply } from './fetch-world.test-support.ts';
import { BreakerOpenError, CallTimeoutError, ClientLimitError, GatewayError } from './gateway-error.ts';
import { failureOf } from './resilient-call.ts';

const url = 'https://api.example.org/orders?secret=1';
const ok = (): Response => new Response('fine');
const status = (code: number, headers: Readonly<Record<string, string>> = {}): Response =>
  new Response('no', { status: code, headers });

/** Bad answers first, then good ones. */
function afterBad(...bad: readonly (() => Reply)[]): (_: unknown, number: number) => Reply {
  return (_, number) => bad[number - 1]?.() ?? ok();
}

function listenersOf(signal: AbortSignal): number {
  const [found] = Object.getOwnPropertySymbols(signal).filter((symbol) => symbol.description === 'kEvents');
  const events = (signal as unknown as Record<symbol, Map<string, { size: number }>>)[found as symbol];
  return events?.get('abort')?.size ?? 0;
}

describe('what is sent again', () => {
  const rows: readonly (readonly [what: string, method: string, bad: () => Reply, sent: number])[] = [
    ['a GET after a 503', 'GET', () => status(503), 2],
    ['a GET after a 500', 'GET', () => status(500), 1],
    ['a GET after a 404', 'GET', () => status(404), 1],
    ['a GET after a 429', 'GET', () => status(429), 2],
    ['a GET after a connection that was reset', 'GET', () => nodeError('ECONNRESET', 'read'), 2],
    ['a PUT after a 502', 'PUT', () => status(502), 2],
    ['a POST after a 503', 'POST', () => status(503), 1],
    ['a POST after a 429', 'POST', () => status(429), 1],
    ['a POST after a connection that was reset', 'POST', () => nodeError('ECONNRESET', 'read'), 1],
    ['a POST after what a browser throws', 'POST', () => new TypeError('Failed to fetch'), 1],
    ['a POST after a connection that was refused', 'POST', () => nodeError('ECONNREFUSED', 'connect'), 2],
    ['a POST that the gateway could not send', 'POST', () => problem(502, { delivery: 'not_sent' }), 2],
    ['a POST that the gateway has sent', 'POST', () => problem(502, { delivery: 'sent_unknown' }), 1],
    [
      'a POST that the gateway has sent in an earlier attempt of its own',
      'POST',
      () => problem(502, { delivery: 'not_sent', may_have_been_executed: true }),
      1,
    ],
    ['a POST by Proxy-Status', 'POST', () => status(502, { 'proxy-status': 'edge;error=connection_refused' }), 2],
    ['a POST that came too early', 'POST', () => status(425), 2],
    ['a GET whose certificate is wrong', 'GET', () => nodeError('CERT_HAS_EXPIRED'), 1],
  ];
  for (const [what, method, bad, sent] of rows) {
    test(`${what}: ${sent === 1 ? 'no' : 'yes'}`, async () => {
      const world = new FetchWorld(afterBad(bad));
      const body = method === 'GET' ? null : 'text';
      await world.finish(world.fetch(url, { method, body })).catch(() => {});
      assert.equal(world.sent.length, sent);
      assert.deepEqual(new Set(world.sent.map((request) => request.body)), new Set([body ?? '']));
      assert.equal(world.clock.timersLive, 0);
    });
  }

  test('a POST to an origin that honours keys, with one key for all attempts', async () => {
    const idempotency = { honouredBy: ['https://api.example.org'] };
    const world = new FetchWorld(
      afterBad(() => nodeError('ECONNRESET')),
      { idempotency },
    );
    await world.finish(world.fetch(url, { method: 'POST' }));
    const keys = world.sent.map(({ headers }) => headers.get('idempotency-key'));
    assert.match(keys[0] ?? '', /^"[0-9a-f]{32}"$/);
    assert.deepEqual(keys, [keys[0], keys[0]]);
  });

  test('a POST with a key to an origin that is not known to honour keys: once', async () => {
    for (const makeKeys of ['honoured', 'always'] as const) {
      const world = new FetchWorld(
        afterBad(() => nodeError('ECONNRESET')),
        { idempotency: { makeKeys } },
      );
      const headers = { 'idempotency-key': '"mine"' };
      await assert.rejects(world.finish(world.fetch(url, { method: 'POST', headers })), GatewayError);
      assert.deepEqual(
        world.sent.map((sent) => sent.headers.get('idempotency-key')),
        ['"mine"'],
      );
    }
  });

  test('a POST whose caller says that it does no harm', async () => {
    const world = new FetchWorld(afterBad(() => status(503)));
    await world.finish(world.fetch(url, { method: 'POST', resilience: { idempotent: true } }));
    assert.equal(world.sent.length, 2);
  });

  test('every kind of body that can be sent again, and a stream only once', async () => {
    const form = new FormData();
    form.set('a', '1');
    const bodies: readonly (readonly [string, NonNullable<RequestInit['body']>, number])[] = [
      ['text', 'a', 2],
      ['Blob', new Blob(['a']), 2],
      ['FormData', form, 2],
      ['URLSearchParams', new URLSearchParams({ a: '1' }), 2],
      ['ArrayBuffer', new Uint8Array([97]).buffer, 2],
      ['Uint8Array', new Uint8Array([97]), 2],
      ['stream', new Blob(['a']).stream(), 1],
    ];
    for (const [name, body, sent] of bodies) {
      const world = new FetchWorld(afterBad(() => nodeError('ECONNREFUSED', 'connect')));
      const call = world.fetch(url, { method: 'PUT', body, duplex: 'half' } as RequestInit);
      await world.finish(call).catch(() => {});
      assert.equal(world.sent.length, sent, name);
    }
  });

  test('a Request with a small body, and one with a large body only once', async () => {
    for (const [bytes, sent] of [
      [10, 2],
      [65_536, 2],
      [200_000, 1],
    ] as const) {
      const world = new FetchWorld(afterBad(() => nodeError('ECONNREFUSED', 'connect')));
      const request = new Request(url, { method: 'POST', body: 'x'.repeat(bytes), headers: { a: 'b' } });
      await world.finish(world.fetch(request)).catch(() => {});
      assert.deepEqual(
        world.sent.map(({ body, headers }) => [body.length, headers.get('a')]),
        Array.from({ length: sent }, () => [bytes, 'b']),
      );
    }
  });
});

describe('when it is sent', () => {
  test('not before Retry-After', async () => {
    const world = new FetchWorld(afterBad(() => status(503, { 'retry-after': '7' })));
    await world.finish(world.fetch(url));
    assert.ok((world.sent[1]?.at ?? 0) >= 7000);
  });

  test('not at all if Retry-After lasts longer than the call may', async () => {
    const world = new FetchWorld(afterBad(() => status(503, { 'retry-after': '60' })));
    const response = await world.finish(world.fetch(url));
    assert.deepEqual([response.status, world.sent.length, world.clock.now()], [503, 1, 0]);
    assert.equal(failureOf(response)?.retryAfterMs, 60_000);
    assert.deepEqual(world.fetch.stats().notRetried, { no_time_left: 1 });
  });

  test('an attempt without an answer ends after its time, and a GET is sent again', async () => {
    const world = new FetchWorld(
      afterBad(() => 'silence'),
      { timeouts: { attemptMs: 1000 } },
    );
    assert.equal((await world.finish(world.fetch(url))).status, 200);
    assert.equal(world.sent[0]?.signal.reason.name, 'TimeoutError');
    assert.ok((world.sent[1]?.at ?? 0) >= 1000);
  });

  test('a call without an answer ends after 30 s', async () => {
    const world = new FetchWorld(() => 'silence');
    const error = await world.finish(world.fetch(url).catch((thrown: unknown) => thrown));
    assert.ok(error instanceof CallTimeoutError);
    assert.equal(error.name, 'TimeoutError');
    assert.equal(world.clock.now(), 30_000);
    assert.equal(error.mayHaveBeenExecuted, true);
    assert.equal(world.clock.timersLive, 0);
  });

  test('a fetch underneath that ignores its signal does not keep the call', async () => {
    const world = new FetchWorld(ok, { fetch: () => new Promise(() => {}), timeouts: { overallMs: 500 } });
    await assert.rejects(world.finish(world.fetch(url)), CallTimeoutError);
  });

  test('no retry without budget: a client sends at most a tenth of its good calls more, and two', async () => {
    const world = new FetchWorld((_, number) => (number % 2 === 1 ? status(503) : ok()), { breaker: false });
    for (let call = 0; call < 50; call++) await world.finish(world.fetch(url));
    const seconds = world.clock.now() / 1000;
    const { attempts, retries, callsSucceeded } = world.fetch.stats();
    assert.equal(attempts, world.sent.length);
    assert.ok(retries <= 2.5 + callsSucceeded / 10 + seconds / 30, String(retries));
    assert.ok(retries >= 4, String(retries));
  });
});

describe('what the caller gets', () => {
  test('the last response as fetch gives it, with what is known of it', async () => {
    const world = new FetchWorld(() => problem(502, { delivery: 'sent_unknown', whose: 'application' }));
    const response = await world.finish(world.fetch(url));
    assert.equal(response.status, 502);
    assert.match(await response.text(), /connect_refused/);
    assert.deepEqual([failureOf(response)?.writer, failureOf(response)?.whose], ['gateway', 'application']);
    assert.equal(failureOf(ok()), null);
  });

  test('an error in place of what the gateway answered, if wanted, and never in place of what the service did', async () => {
    const options = { throwGatewayAnswers: true };
    const gateway = new FetchWorld(() => problem(502, { delivery: 'sent_unknown' }), options);
    const error = await gateway.finish(gateway.fetch(url).catch((thrown: unknown) => thrown));
    assert.ok(error instanceof GatewayError);
    assert.deepEqual(
      [error.shape, error.cause, error.delivery, error.mayHaveBeenExecuted],
      ['unreachable', 'connect_refused', 'sent_unknown', true],
    );
    assert.match((await error.response?.text()) ?? '', /connect_refused/);
    assert.match(error.message, /^GET https:\/\/api\.example\.org\/orders: gateway answered 502/);
    const service = new FetchWorld(() => status(503), options);
    assert.equal((await service.finish(service.fetch(url))).status, 503);
  });

  test('a TypeError without an answer, which has the cause, what the platform threw, and no query', async () => {
    const world = new FetchWorld(() => nodeError('ECONNREFUSED', 'connect'), { retry: false });
    const error = await world.finish(world.fetch(url).catch((thrown: unknown) => thrown));
    assert.ok(error instanceof TypeError && error instanceof GatewayError);
    assert.equal(error.cause, 'connect_refused');
    assert.equal(error.mayHaveBeenExecuted, false);
    assert.match(String(error.underlying), /fetch failed/);
    assert.doesNotMatch(error.message + JSON.stringify(error), /secret/);
  });

  test('that an earlier attempt may have been executed, although the last one was not', async () => {
    const world = new FetchWorld(
      (_, number) => (number === 1 ? nodeError('ECONNRESET') : nodeError('ECONNREFUSED', 'connect')),
      { retry: { attemptsMax: 2 } },
    );
    const error = await world.finish(world.fetch(url, { method: 'PUT' }).catch((thrown: unknown) => thrown));
    assert.ok(error instanceof GatewayError);
    assert.deepEqual([error.cause, error.delivery, error.mayHaveBeenExecuted], ['connect_refused', 'not_sent', true]);
  });

  test('the error of the platform for a request that is none, at once', async () => {
    const world = new FetchWorld(ok);
    for (const call of [() => world.fetch('http://'), () => world.fetch(url, { headers: { 'a b': 'c' } })])
      await assert.rejects(
        world.finish(call()),
        (error: Error) => error instanceof TypeError && !(error instanceof GatewayError),
      );
    assert.deepEqual([world.sent.length, world.clock.now(), world.clock.timersLive], [0, 0, 0]);
  });
});

describe('a caller that gives up', () => {
  const reason = new Error('changed my mind');
  const situations: readonly (readonly [what: string, reply: () => Reply, options: object])[] = [
    ['while it waits for an answer', () => 'silence', {}],
    ['while it waits for the next attempt', () => status(503, { 'retry-after': '9' }), {}],
    ['while its turn has not come', () => 'silence', { concurrency: { max: 1 } }],
    ['while two attempts are under way', () => 'silence', { hedge: { afterMs: 100 } }],
  ];
  for (const [what, reply, options] of situations) {
    test(`${what} gets its own reason, and nothing is left`, async () => {
      const world = new FetchWorld(reply, options);
      const other = new AbortController();
      const first = world.fetch(url, { signal: other.signal });
      const caller = new AbortController();
      const call = world.fetch(url, { signal: caller.signal });
      for (let turn = 0; turn < 4; turn++) {
        await world.clock.advance(100);
        await settle();
      }
      caller.abort(reason);
      await assert.rejects(call, (error) => error === reason);
      other.abort(reason);
      await assert.rejects(first, (error) => error === reason);
      await settle();
      assert.equal(world.clock.timersLive, 0);
      assert.deepEqual([listenersOf(caller.signal), listenersOf(other.signal)], [0, 0]);
      const { callsCancelled, inFlight, queued } = world.fetch.stats();
      assert.deepEqual([callsCancelled, inFlight, queued], [2, 0, 0]);
      for (const { signal } of world.sent) assert.ok(signal.aborted || world.sent.length > 0);
    });
  }

  test('before it calls sends nothing', async () => {
    const world = new FetchWorld(ok);
    await assert.rejects(world.fetch(url, { signal: AbortSignal.abort(reason) }), (error) => error === reason);
    await assert.rejects(
      world.fetch(new Request(url, { signal: AbortSignal.abort(reason) })),
      (error) => error === reason,
    );
    assert.equal(world.sent.length, 0);
  });

  test('by the signal of a Request is a caller too', async () => {
    const world = new FetchWorld(() => 'silence');
    const caller = new AbortController();
    const call = world.fetch(new Request(url, { signal: caller.signal }));
    await world.clock.advance(10);
    caller.abort(reason);
    await assert.rejects(call, (error) => error === reason);
    assert.equal(world.clock.timersLive, 0);
  });

  test('many calls with one signal leave no listener on it', async () => {
    const { signal } = new AbortController();
    const world = new FetchWorld(
      afterBad(
        () => status(503),
        () => nodeError('ECONNRESET'),
      ),
    );
    for (let call = 0; call < 30; call++) await (await world.finish(world.fetch(url, { signal }))).text();
    assert.equal(listenersOf(signal), 0);
    assert.equal(world.clock.timersLive, 0);
  });
});

describe('the breaker', () => {
  const down = () => status(503);

  test('opens after five failures, and calls wait for its probe', async () => {
    const changes: string[] = [];
    let isDown = true;
    const world = new FetchWorld(() => (isDown ? down() : ok()), {
      retry: false,
      hooks: { breaker: ({ from, to }) => changes.push(`${from} ${to}`) },
    });
    for (let call = 0; call < 5; call++) await world.finish(world.fetch(url));
    assert.equal(world.fetch.stats().origins[0]?.breaker, 'open');
    isDown = false;
    const responses = await world.finish(Promise.all([world.fetch(url), world.fetch(url), world.fetch(url)]));
    assert.deepEqual(
      responses.map((response) => response.status),
      [200, 200, 200],
    );
    assert.ok(world.clock.now() <= 3000, String(world.clock.now()));
    assert.deepEqual(changes, ['closed open', 'open half_open', 'half_open closed']);
    assert.equal(world.clock.timersLive, 0);
  });

  test('probes with a call that may be repeated, if one waits', async () => {
    const random = { next: () => 0.4, fill: () => {} };
    const world = new FetchWorld((_, number) => (number <= 5 ? down() : ok()), { retry: false, random });
    for (let call = 0; call < 5; call++) await world.finish(world.fetch(url));
    const calls = ['POST', 'GET', 'POST'].map((method) => world.fetch(url, { method }));
    await world.finish(Promise.all(calls));
    assert.equal(world.sent[5]?.method, 'GET');
  });

  test('lets one probe through at a time, and another one after a while if it has no answer', async () => {
    const world = new FetchWorld((_, number) => (number <= 5 ? down() : 'silence'), { retry: false });
    for (let call = 0; call < 5; call++) await world.finish(world.fetch(url));
    const calls = Array.from({ length: 10 }, () => world.fetch(url).catch(() => {}));
    for (const [passedMs, sent] of [
      [2000, 6],
      [2000, 7],
    ] as const) {
      for (let turn = 0; turn < 20; turn++) await world.clock.advance(passedMs / 20);
      await settle();
      assert.equal(world.sent.length, sent);
    }
    await world.finish(Promise.all(calls));
  });

  test('fails calls at once if they are not to wait, and says that nothing was sent', async () => {
    const world = new FetchWorld(down, { retry: false, breaker: { waitMs: 0 } });
    for (let call = 0; call < 5; call++) await world.finish(world.fetch(url));
    const error = await world.finish(world.fetch(url).catch((thrown: unknown) => thrown));
    assert.ok(error instanceof BreakerOpenError);
    assert.deepEqual(
      [error.cause, error.mayHaveBeenExecuted, error.attempts, world.sent.length],
      ['breaker_open', false, 0, 5],
    );
    assert.ok((error.retryAfterMs ?? 0) > 0);
  });

  test('does not open for 4xx, for quotas, or for callers that give up', async () => {
    for (const code of [400, 404, 429]) {
      const world = new FetchWorld(() => status(code), { retry: false });
      for (let call = 0; call < 30; call++) await world.finish(world.fetch(url));
      assert.equal(world.fetch.stats().origins[0]?.breaker, 'closed');
    }
    const world = new FetchWorld(() => 'silence');
    for (let call = 0; call < 30; call++) {
      const caller = new AbortController();
      const cancelled = world.fetch(url, { signal: caller.signal });
      await world.clock.advance(1);
      caller.abort();
      await assert.rejects(cancelled);
    }
    assert.equal(world.fetch.stats().origins[0]?.breaker, 'closed');
  });

  test('is one per origin and key', async () => {
    const world = new FetchWorld(({ url }) => (url.includes('bad') ? down() : ok()), {
      retry: false,
      breaker: { waitMs: 0 },
      key: (input) => new URL(input as string).searchParams.get('tenant') ?? '',
    });
    for (let call = 0; call < 6; call++)
      await world.finish(world.fetch('https://bad.example.org/?tenant=a')).catch(() => {});
    assert.equal((await world.finish(world.fetch('https://bad.example.org/?tenant=b'))).status, 503);
    assert.equal((await world.finish(world.fetch('https://good.example.org/?tenant=a'))).status, 200);
  });

  test('survives a probe whose caller gives up', async () => {
    let isDown = true;
    const world = new FetchWorld(() => (isDown ? down() : 'silence'), { retry: false });
    for (let call = 0; call < 5; call++) await world.finish(world.fetch(url));
    isDown = false;
    const caller = new AbortController();
    const probe = world.fetch(url, { signal: caller.signal });
    for (let turn = 0; turn < 20; turn++) await world.clock.advance(100);
    caller.abort();
    await assert.rejects(probe);
    const next = world.fetch(url).catch(() => {});
    for (let turn = 0; turn < 20; turn++) await world.clock.advance(100);
    assert.equal(world.sent.length, 7);
    await world.finish(next);
  });
});

describe('limits', () => {
  test('no more attempts at the same time than wanted, and the rest in their order', async () => {
    let [running, most] = [0, 0];
    const order: string[] = [];
    const world = new FetchWorld(
      ({ url }) => {
        most = Math.max(most, ++running);
        order.push(url.slice(-1));
        world.clock.schedule((world.clock.now() + 10) as never, () => running--, undefined);
        return { afterMs: 10, reply: ok() };
      },
      { concurrency: { max: 2, queueMax: 4 } },
    );
    const calls = [0, 1, 2, 3, 4, 5].map((number) => world.fetch(`https://a.example/${number}`));
    await settle();
    await assert.rejects(
      world.fetch('https://a.example/6'),
      (error) => error instanceof ClientLimitError && error.cause === 'queue_full',
    );
    await world.finish(Promise.all(calls));
    assert.deepEqual([most, order.join('')], [2, '012345']);
  });

  test('a client that is closed rejects what waits, and what comes', async () => {
    const world = new FetchWorld(() => 'silence');
    const call = world.fetch(url);
    await world.clock.advance(10);
    world.fetch.close();
    for (const closed of [call, world.fetch(url)])
      await assert.rejects(closed, (error) => error instanceof ClientLimitError && error.cause === 'client_closed');
    assert.equal(world.clock.timersLive, 0);
  });
});

describe('hedges', () => {
  test('the second attempt wins where the first one is late, and the first is aborted', async () => {
    const world = new FetchWorld((_, number) => (number === 1 ? 'silence' : ok()), { hedge: { afterMs: 200 } });
    assert.equal((await world.finish(world.fetch(url))).status, 200);
    assert.deepEqual([world.clock.now(), world.sent.length, world.sent[0]?.signal.aborted], [200, 2, true]);
    const { hedges, hedgesWon, retries, attempts } = world.fetch.stats();
    assert.deepEqual([hedges, hedgesWon, retries, attempts], [1, 1, 0, 2]);
    assert.equal(world.clock.timersLive, 0);
  });

  test('the first one wins where it comes in time, or before the second', async () => {
    for (const [afterMs, sent] of [
      [100, 1],
      [300, 2],
    ] as const) {
      const world = new FetchWorld((_, number) => (number === 1 ? { afterMs, reply: ok() } : 'silence'), {
        hedge: { afterMs: 200 },
      });
      assert.equal((await world.finish(world.fetch(url))).status, 200);
      assert.deepEqual([world.sent.length, world.sent[0]?.signal.aborted, world.clock.timersLive], [sent, false, 0]);
    }
  });

  test('only a GET is hedged, and within the budget', async () => {
    const late: Reply = { afterMs: 500, reply: ok() };
    const world = new FetchWorld(() => late, { hedge: { afterMs: 100 } });
    await world.finish(world.fetch(url, { method: 'PUT' }));
    assert.equal(world.sent.length, 1);
    const spent = new FetchWorld(() => ({ afterMs: 500, reply: ok() }), {
      hedge: { afterMs: 100 },
      budget: { minimum: 1, share: 0 },
    });
    for (let call = 0; call < 5; call++) await spent.finish(spent.fetch(url));
    assert.equal(spent.sent.length, 6);
  });
});

describe('headers', () => {
  test('each attempt says how long its answer is waited for, and keeps those of the caller', async () => {
    const world = new FetchWorld(
      afterBad(() => status(503, { 'retry-after': '25' })),
      { headers: ({ attempt }) => ({ 'x-attempt': String(attempt), traceparent: 'ours' }) },
    );
    await world.finish(world.fetch(url, { headers: { traceparent: '00-a-b-01' } }));
    assert.deepEqual(
      world.sent.map(({ headers }) => [headers.get('traceparent'), headers.get('x-attempt')]),
      [
        ['00-a-b-01', '1'],
        ['00-a-b-01', '2'],
      ],
    );
    const [first, second] = world.sent.map(({ headers }) => Number(headers.get('x-envoy-expected-rq-timeout-ms')));
    assert.equal(first, 10_000);
    assert.ok(second !== undefined && second > 4000 && second <= 5000, String(second));
  });

  test('none is added where a page asks another origin', async () => {
    const page = globalThis as { location?: { origin: string; href: string } };
    page.location = { origin: 'https://www.example.org', href: 'https://www.example.org/' };
    try {
      const world = new FetchWorld(ok);
      await world.finish(world.fetch(url, { method: 'POST', body: 'a' }));
      assert.deepEqual([...(world.sent[0]?.headers.keys() ?? [])], ['content-type']);
      await world.finish(world.fetch('/own'));
      assert.ok(world.sent[1]?.headers.has('x-envoy-expected-rq-timeout-ms'));
    } finally {
      delete page.location;
    }
  });
});

describe('hooks', () => {
  test('tell every retry, every attempt, and every n failures in a row', async () => {
    const retries: RetryEvent[] = [];
    const [attempts, failures]: [unknown[], number[]] = [[], []];
    const world = new FetchWorld(() => status(503), {
      breaker: false,
      hooks: {
        retry: (event) => retries.push(event),
        attempt: ({ attempt, status }) => attempts.push([attempt, status]),
        failures: (event) => failures.push(event.failures),
        failuresInRow: 3,
      },
    });
    for (let call = 0; call < 13; call++) await world.finish(world.fetch(url));
    assert.equal(retries.length, world.fetch.stats().retries);
    assert.equal(attempts.length, world.sent.length);
    assert.deepEqual(failures, [3, 6, 9, 12]);
    assert.deepEqual([retries[0]?.url, retries[0]?.failure.status], ['https://api.example.org/orders', 503]);
  });

  test('that throw are counted, and change nothing', async () => {
    const fail = (): never => {
      throw new Error('hook');
    };
    const world = new FetchWorld(
      afterBad(() => status(503)),
      { hooks: { retry: fail, attempt: fail, failures: fail, breaker: fail } },
    );
    assert.equal((await world.finish(world.fetch(url))).status, 200);
    assert.equal(world.fetch.stats().hookErrors, 3);
  });
});

test('a Request whose body does not come ends in time too', async () => {
  const world = new FetchWorld(ok);
  const body = new ReadableStream();
  const request = new Request(url, { method: 'POST', body, duplex: 'half' } as RequestInit);
  await assert.rejects(world.finish(world.fetch(request)), { name: 'TimeoutError' });
  assert.deepEqual([world.sent.length, world.clock.timersLive], [0, 0]);
});

test('a call that may not be sent again has all the time there is, unless its caller says otherwise', async () => {
  for (const [method, sent] of [
    ['POST', 1],
    ['PUT', 2],
  ] as const) {
    const world = new FetchWorld((_, number) => (number === 1 ? { afterMs: 15_000, reply: ok() } : ok()));
    assert.equal((await world.finish(world.fetch(url, { method }))).status, 200);
    assert.equal(world.sent.length, sent);
  }
  const world = new FetchWorld(() => 'silence', { timeouts: { attemptMs: 1000 } });
  await assert.rejects(world.finish(world.fetch(url, { method: 'POST' })), CallTimeoutError);
  assert.equal(world.clock.now(), 1000);
});
