import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { Agent, createServer as createSecureServer, request as sendSecurely } from 'node:https';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, test } from 'node:test';
import { systemClock } from '../../../src/system/system.ts';
import { certificateAuthority } from '../../../src/testing/testing.ts';
import { FakeKitClock } from './fake-clock.test-support.ts';
import { Kit } from './kit.ts';
import type { KitOptions } from './kit-options.ts';
import { RawConnection } from './raw-connection.test-support.ts';
import { currentRequest, type KitRequest } from './request-context.ts';

/** A server whose requests to /slow the test answers, in simulated time. */
class ServedKit {
  readonly clock = new FakeKitClock();
  readonly lines: string[] = [];
  readonly slow: ServerResponse[] = [];
  readonly contexts: KitRequest[] = [];
  readonly server = createServer((request, response) => {
    const context = currentRequest();
    if (context !== undefined) this.contexts.push(context);
    if (request.url?.startsWith('/slow') === true) this.slow.push(response);
    else response.end('ok');
  });
  readonly kit: Kit;

  private constructor(options: KitOptions) {
    const log = (line: string): void => void this.lines.push(line);
    const drain = { noticeMs: 5000, idleMs: 1000, timeoutMs: 9000 };
    this.kit = new Kit(this.server, { drain, exit: false, signals: [], log, ...options }, this.clock);
  }

  static async start(options: KitOptions = {}): Promise<ServedKit> {
    const served = new ServedKit(options);
    served.server.listen(0, '127.0.0.1');
    await once(served.server, 'listening');
    return served;
  }

  /** The last response to /slow, once its request has come. */
  async slowResponse(count = 1): Promise<ServerResponse> {
    while (this.slow.length < count) await turn();
    return this.slow[count - 1] as ServerResponse;
  }

  async ask(path: string): Promise<{ status: number; headers: Headers; body: any }> {
    const response = await fetch(this.kit.url + path);
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text.startsWith('{') ? JSON.parse(text) : text };
  }
}

let served: ServedKit;
afterEach(async () => {
  const drained = served.kit.drain();
  await served.clock.pass(30_000);
  await drained;
});

async function start(options: KitOptions = {}): Promise<ServedKit> {
  served = await ServedKit.start(options);
  served.kit.markReady();
  return served;
}

describe('readiness', () => {
  test('is false while the application starts, and true once it says so', async () => {
    served = await ServedKit.start();
    assert.deepEqual([(await served.ask('/readyz')).status, served.kit.state], [503, 'starting']);
    served.kit.markReady();
    assert.equal((await served.ask('/readyz')).status, 200);
  });

  test('is false before the listener closes', async () => {
    await start();
    const drained = served.kit.drain('SIGTERM');
    const { status, headers, body } = await served.ask('/readyz');
    assert.deepEqual([status, body.status, headers.get('connection')], [503, 'draining', 'close']);
    assert.equal(headers.get('x-envoy-immediate-health-check-fail'), 'true');
    assert.equal((await served.ask('/')).status, 200, 'it serves during the notice');
    await served.clock.pass(4999);
    assert.equal((await served.ask('/')).status, 200);
    await served.clock.pass(1);
    await assert.rejects(served.ask('/'), 'the listener is closed');
    await served.clock.pass(1000);
    assert.equal(await drained, 0);
  });

  test('is false while the application declines requests, and true again', async () => {
    await start();
    served.kit.declineRequests('it compacts its index');
    const { status, body } = await served.ask('/readyz');
    assert.deepEqual([status, body], [503, { status: 'draining', output: 'it compacts its index' }]);
    assert.equal((await served.ask('/')).headers.get('x-envoy-immediate-health-check-fail'), 'true');
    served.kit.wantRequests();
    assert.equal((await served.ask('/readyz')).status, 200);
    assert.equal((await served.ask('/')).headers.get('x-envoy-immediate-health-check-fail'), null);
  });
});

describe('the health document', () => {
  test('has the results of all checks', async () => {
    await start({
      ...{ name: 'shop', version: '1.4.0' },
      checks: { database: () => {}, search: { run: () => Promise.reject(new Error('down')), optional: true } },
    });
    const { status, headers, body } = await served.ask('/healthz?verbose');
    assert.deepEqual([status, headers.get('content-type')], [200, 'application/health+json']);
    const entry = { observedValue: 0, observedUnit: 'ms', time: '2026-01-01T00:00:00.000Z' };
    assert.deepEqual(body, {
      ...{ status: 'warn', serviceId: 'shop', version: '1.4.0' },
      checks: {
        'database:responseTime': [{ status: 'pass', ...entry }],
        'search:responseTime': [{ status: 'warn', ...entry, output: 'Error: down' }],
      },
    });
  });

  test('is 503 where a check fails, and readiness is not', async () => {
    await start({ checks: { database: () => Promise.reject(new Error('down')) } });
    assert.equal((await served.ask('/healthz')).status, 503);
    assert.equal((await served.ask('/readyz')).status, 200);
  });

  test('stands where the application wants it, and POST passes by', async () => {
    await start({ paths: { health: '/internal/health' } });
    assert.equal((await served.ask('/internal/health')).body.status, 'pass');
    assert.equal((await served.ask('/healthz')).body, 'ok');
    const posted = await fetch(`${served.kit.url}/readyz`, { method: 'POST' });
    assert.equal(await posted.text(), 'ok');
    const head = await fetch(`${served.kit.url}/readyz`, { method: 'HEAD' });
    assert.deepEqual([head.status, await head.text()], [200, '']);
  });
});

describe('connections during a drain', () => {
  test('that are idle stay open when the listener closes, and answer a request that was on its way', async () => {
    await start();
    const used = await RawConnection.to(served.kit.url);
    used.send('GET / HTTP/1.1');
    await used.receives('ok');
    const drained = served.kit.drain();
    await served.clock.pass(5500);
    used.send('POST /orders HTTP/1.1\r\nContent-Length: 0');
    assert.match(await used.receives('Connection: close'), /200 OK[^]*200 OK/);
    await used.closed;
    await served.clock.pass(500);
    assert.equal(await drained, 0);
  });

  test('that are idle are closed after idleMs, new ones without a request too', async () => {
    await start();
    const [used, fresh] = [await RawConnection.to(served.kit.url), await RawConnection.to(served.kit.url)];
    used.send('GET / HTTP/1.1');
    await used.receives('ok');
    const drained = served.kit.drain();
    await served.clock.pass(5999);
    assert.deepEqual([used.socket.destroyed, fresh.socket.destroyed], [false, false]);
    await served.clock.pass(1);
    await Promise.all([used.closed, fresh.closed]);
    assert.equal(await drained, 0);
  });

  test('with a request in flight are closed when it has been answered', async () => {
    await start();
    const slow = await RawConnection.to(served.kit.url);
    slow.send('GET /slow HTTP/1.1');
    const response = await served.slowResponse();
    const drained = served.kit.drain();
    await served.clock.pass(8000);
    assert.deepEqual(served.kit.unfinished(), ['GET /slow']);
    response.end('done');
    assert.match(await slow.receives('done'), /Connection: close/);
    await slow.closed;
    assert.equal(await drained, 0);
  });

  test('whose response has begun before are closed behind it, while others go on', async () => {
    await start();
    const [begun, other] = [await RawConnection.to(served.kit.url), await RawConnection.to(served.kit.url)];
    begun.send('GET /slow HTTP/1.1');
    const response = await served.slowResponse();
    response.write('begun ');
    await begun.receives('begun');
    other.send('GET /slow HTTP/1.1');
    const otherResponse = await served.slowResponse(2);
    const drained = served.kit.drain();
    await served.clock.pass(7000);
    response.end('done');
    await begun.receives('done');
    await begun.closed;
    assert.equal(other.socket.destroyed, false);
    otherResponse.end();
    await other.closed;
    assert.equal(await drained, 0);
  });

  test('are cut at the deadline: the signal aborts, the code is 1, and no query is named', async () => {
    await start();
    const slow = await RawConnection.to(served.kit.url);
    slow.send('GET /slow?token=hunter2 HTTP/1.1');
    await served.slowResponse();
    const { signal } = served.contexts[0] as KitRequest;
    const drained = served.kit.drain();
    await served.clock.pass(8999);
    assert.equal(signal.aborted, false);
    await served.clock.pass(1);
    assert.equal(signal.aborted, true);
    await slow.closed;
    assert.equal(await drained, 1);
    assert.match(served.lines.at(-1) ?? '', /^Error: 1 request was not finished .* cut: GET \/slow$/);
  });

  test('that were upgraded are drained by the application', async () => {
    await start();
    let tunnel: import('node:stream').Duplex | undefined;
    served.server.on('upgrade', (_, socket) => {
      tunnel = socket;
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: test\r\nConnection: Upgrade\r\n\r\n');
    });
    const client = await RawConnection.to(served.kit.url);
    client.send('GET /socket HTTP/1.1\r\nUpgrade: test\r\nConnection: Upgrade');
    await client.receives('101');
    const drained = served.kit.drain();
    await served.clock.pass(7000);
    assert.deepEqual(served.kit.unfinished(), ['GET /socket (upgraded)']);
    tunnel?.end('goodbye');
    await client.receives('goodbye');
    client.socket.end();
    await client.closed;
    assert.equal(await drained, 0);
  });

  test('of TLS are drained alike', async () => {
    const { certificate, key } = certificateAuthority(systemClock.wallTime()).issue({ names: ['localhost'] });
    const clock = new FakeKitClock();
    const responses: ServerResponse[] = [];
    const server = createSecureServer({ cert: certificate, key }, (_, response) => void responses.push(response));
    const kit = new Kit(server, { exit: false, signals: [], log: () => {} }, clock);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = new URL(kit.url);
    const sent = sendSecurely({
      host: '127.0.0.1',
      port,
      agent: new Agent({ keepAlive: true }),
      rejectUnauthorized: false,
    });
    sent.end();
    while (responses.length === 0) await turn();
    const drained = kit.drain();
    await clock.pass(7000);
    responses[0]?.end('done');
    const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
    assert.equal(response.headers.connection, 'close');
    response.resume();
    assert.equal(await drained, 0);
    await start();
  });
});

test('its URL outlasts its listener, and there is none before', async () => {
  const kit = new Kit(createServer(), { exit: false, signals: [], drain: { noticeMs: 0 }, log: () => {} });
  assert.throws(() => kit.url, /the server does not listen yet/);
  kit.server.listen(0, '127.0.0.1');
  await once(kit.server, 'listening');
  const { url } = kit;
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
  await kit.drain();
  assert.equal(kit.url, url);
});

test('a drain tells the application first, and closes what it has opened last', async () => {
  const steps: string[] = [];
  await start({ onDrain: () => void steps.push('onDrain'), onClose: () => void steps.push('onClose') });
  const drained = served.kit.drain();
  await served.clock.pass(5999);
  assert.deepEqual(steps, ['onDrain']);
  await served.clock.pass(1);
  await drained;
  assert.deepEqual(steps, ['onDrain', 'onClose']);
});

test('the signal of an upgraded connection aborts when that is closed', async () => {
  await start();
  let signal: AbortSignal | undefined;
  served.server.on('upgrade', (_, socket) => {
    signal = currentRequest()?.signal;
    socket.on('end', () => socket.end()).resume();
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: test\r\nConnection: Upgrade\r\n\r\n');
  });
  const client = await RawConnection.to(served.kit.url);
  client.send('GET /socket HTTP/1.1\r\nUpgrade: test\r\nConnection: Upgrade');
  await client.receives('101');
  client.socket.destroy();
  assert.ok(signal !== undefined);
  await once(signal, 'abort');
  assert.equal((signal.reason as DOMException).message, 'the client has closed the connection');
});

test('a log that throws ends no drain', async () => {
  await start({
    log: () => {
      throw new Error('no space left');
    },
  });
  const drained = served.kit.drain();
  await served.clock.pass(6000);
  assert.equal(await drained, 0);
});

test('a server of node:http2 is refused', async () => {
  assert.throws(() => new Kit(createHttp2Server() as never, {}), { name: 'TypeError', message: /node:http2 are not/ });
  await start();
});

test('a client that leaves aborts the signal of its request', async () => {
  await start();
  const client = await RawConnection.to(served.kit.url);
  client.send('GET /slow HTTP/1.1');
  await served.slowResponse();
  const { signal } = served.contexts[0] as KitRequest;
  client.socket.destroy();
  await once(signal, 'abort');
  assert.equal((signal.reason as DOMException).message, 'the client has closed the connection');
});

test('connections live longer than those of the gateway', async () => {
  await start({ gatewayIdleMs: 4000 });
  assert.deepEqual([served.server.keepAliveTimeout, served.server.headersTimeout], [9000, 10_000]);
});
