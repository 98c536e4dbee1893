import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin, valuesOf } from './raw-origin.ts';
import { startChromium, withBrowser } from '../browser.ts';
import { undisturbed } from '../undisturbed.ts';
import { timeoutMs, requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';
import { WebSocketServer } from './web-socket-server.ts';
import { recordsIn } from '../records.ts';

// Upgrade (RFC 9110 §7.8): a request for another protocol goes to the endpoint, and its 101 makes a tunnel.

const asks = ['Connection: Upgrade', 'Upgrade: echo/1'];
const switches = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\nX-Kept: 1\r\n\r\n';

/** Sends a message, then a large one, closes, and reports to the server what came back. */
const page = `<!doctype html><title>-</title><script>
const seen = [];
const socket = new WebSocket('ws://' + location.host + '/chat');
socket.onmessage = ({ data }) => {
  seen.push(data.length > 1000 ? data.length : data);
  if (seen.length === 1) socket.send('one');
  if (seen.length === 2) socket.send('x'.repeat(300000));
  if (seen.length === 3) socket.close(1000);
};
socket.onclose = ({ code, wasClean }) =>
  fetch('/said', { method: 'POST', body: JSON.stringify([...seen, wasClean, code]) });
</script>`;

let origin: RawOrigin;
let edge: YamlGateway;
before(async () => {
  origin = await RawOrigin.start();
  edge = await startFromYaml(`
upstreams: { app: { endpoints: "${origin.address}", check: none } }
timeouts: { exchange: 2s }
`);
});
after(() => edge.stop());
after(() => origin.close());
beforeEach(() => {
  origin.forget();
  origin.answer = () => ok('ok\n');
});

/** The endpoint's side of the tunnel, once the endpoint has sent its 101. */
function agreeing(behind = ''): { socket: () => Promise<Socket>; received: () => string; ended: () => boolean } {
  let agreed: Socket | null = null;
  let received = '';
  let ended = false;
  origin.answer = () => (socket) => {
    agreed = socket;
    socket.removeAllListeners('data').removeAllListeners('end');
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1');
    });
    socket.on('end', () => {
      ended = true;
    });
    socket.write(switches + behind);
  };
  return {
    socket: async () => {
      await until('the endpoint has sent its 101', () => agreed !== null);
      return agreed as unknown as Socket;
    },
    received: () => received,
    ended: () => ended,
  };
}

describe('a WebSocket', () => {
  let server: WebSocketServer;
  let gateway: YamlGateway;
  before(async () => {
    server = await WebSocketServer.start();
    gateway = await startFromYaml(`upstreams: { app: { endpoints: "127.0.0.1:${server.port}", check: none } }`);
  });
  after(() => gateway.stop());
  after(() => server.close());

  test('of a real client works, including large messages and the closing handshake', async () => {
    const { host, port } = gateway.address();
    const client = new WebSocket(`ws://${host}:${port}/chat?room=1`);
    const messages: string[] = [];
    client.addEventListener('message', ({ data }) => void messages.push(String(data)));
    await once(client, 'open');
    await until('the bytes after the 101 have come', () => messages.length === 1);
    const large = 'candor '.repeat(400_000);
    client.send('one');
    client.send(large);
    await until('both messages are back', () => messages.length === 3);
    assert.deepEqual([messages[0], messages[1], messages[2] === large], ['hello', 'one', true]);
    client.close(4000, 'enough');
    const [event] = (await once(client, 'close')) as [CloseEvent];
    assert.deepEqual([event.code, event.wasClean, server.closed], [4000, true, [4000]]);
    const { headers, url } = server.asked[0]!;
    assert.deepEqual([url, headers.upgrade, headers.connection], ['/chat?room=1', 'websocket', 'upgrade']);
    assert.equal(headers['x-forwarded-for'], '127.0.0.1');
    const record = await gateway.record(String(headers['x-request-id']));
    assert.deepEqual(
      [record.kind, record.status, record.received_status, record.end],
      ['tunnel', 101, 101, 'forwarded'],
    );
    assert.ok(record.bytes_in > large.length && record.bytes_out > large.length, 'the bytes are counted');
    assert.equal(record.attempts.length, 1);
    await until('no tunnel is left', () => gateway.counts().active === 0 && gateway.counts().clients === 0);
  });

  test('delivers small messages both ways without delay, and large binary messages meanwhile', async (context) => {
    const { host, port } = gateway.address();
    const client = new WebSocket(`ws://${host}:${port}/`);
    client.binaryType = 'arraybuffer';
    const received: (string | ArrayBuffer)[] = [];
    client.addEventListener('message', ({ data }) => void received.push(data as string | ArrayBuffer));
    await until('it greets', () => received.length === 1);
    const took: number[] = [];
    for (let round = 0; round < 100; round++) {
      const sentAt = performance.now();
      client.send(`ping ${round}`);
      await Promise.race([once(client, 'message'), sleep(timeoutMs)]);
      took.push(performance.now() - sentAt);
      assert.equal(received.at(-1), `ping ${round}`);
    }
    took.sort((a, b) => a - b);
    context.diagnostic(`round trip: p50 ${took[50]?.toFixed(2)} ms, p99 ${took[98]?.toFixed(2)} ms`);
    assert.ok((took[25] as number) < 20, 'no message waits for the next one');
    const large = Array.from({ length: 4 }, (_, place) => new Uint8Array(1_500_000).fill(place + 1));
    for (const message of large) client.send(message);
    await until('all messages are back', () => received.length === 101 + large.length);
    large.forEach((message, place) => {
      const back = new Uint8Array(received[101 + place] as ArrayBuffer);
      assert.ok(Buffer.from(message).equals(back), `message ${place} is the same`);
    });
    client.close();
    await once(client, 'close');
  });

  test('of a browser works too', withBrowser, async () => {
    let said = '';
    server.page = (target, body) => {
      if (target === '/said') said = body;
      return target === '/page' ? page : '';
    };
    const folder = await mkdtemp(join(tmpdir(), 'candor-chromium-'));
    const { host, port } = gateway.address();
    const url = `http://${host}:${port}/page`;
    const browser = startChromium(folder, ['--no-proxy-server', '--remote-debugging-port=0', url], 'ignore');
    try {
      await until('the page has reported its result', () => said !== '', 60_000);
      assert.deepEqual(JSON.parse(said), ['hello', 'one', 300_000, true, 1000]);
    } finally {
      const ended = once(browser, 'exit');
      process.kill(-(browser.pid as number), 'SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true, maxRetries: 10 });
    }
  });
});

describe('a tunnel', () => {
  test('forwards the bytes that either side sent early, and each end of each direction', async () => {
    const endpoint = agreeing('behind the head');
    const client = edge.connect();
    client.write(requestText('GET', '/', asks) + 'early');
    assert.ok(await client.waitFor(() => client.bytes.includes('behind the head'), timeoutMs));
    const head = client.bytes.toString('latin1');
    assert.match(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
    for (const line of ['Upgrade: echo/1', 'Connection: upgrade', 'X-Kept: 1'])
      assert.ok(head.includes(`${line}\r\n`), line);
    assert.doesNotMatch(head, /content-length|transfer-encoding/i);
    const socket = await endpoint.socket();
    await until('the early bytes have come', () => endpoint.received() === 'early');
    client.finish();
    await until('the end has come', () => endpoint.ended());
    assert.equal(client.state, 'open');
    socket.end('last words');
    assert.ok(await client.waitFor(() => client.state !== 'open', timeoutMs));
    assert.deepEqual([client.state, client.bytes.toString().endsWith('last words')], ['fin', true]);
    const record = await edge.record(headerLine(head, 'x-request-id'));
    assert.deepEqual([record.kind, record.end, record.cause], ['tunnel', 'forwarded', null]);
    assert.deepEqual([record.bytes_in, record.bytes_out], [5, 'behind the headlast words'.length]);
    client.close();
  });

  for (const [what, from, to] of [
    ['calls itself HTTP/1.0', 'HTTP/1.1', 'HTTP/1.0'],
    ['has a length', 'X-Kept: 1', 'X-Kept: 1\r\nContent-Length: 0'],
    ['has a length that is none', 'X-Kept: 1', 'X-Kept: 1\r\nContent-Length: five\r\nContent-Length: 6'],
    ['has a coding', 'X-Kept: 1', 'X-Kept: 1\r\nTransfer-Encoding: chunked'],
    ['has two framings', 'X-Kept: 1', 'X-Kept: 1\r\nTransfer-Encoding: gzip\r\nContent-Length: 7'],
    [
      'calls itself HTTP/1.0 and has a coding',
      'HTTP/1.1 101 Switching',
      'HTTP/1.0 101 A\r\nTransfer-Encoding: chunked\r\nB:',
    ],
  ] as const)
    test(`begins with the empty line of a 101 that ${what}, which the client does not get (RFC 9112 §6.3)`, async () => {
      origin.answer = () => (socket) => {
        socket.removeAllListeners('data').on('data', (bytes: Buffer) => socket.end(bytes));
        socket.write(`${switches.replace(from, to)}7\r\nraw`);
      };
      const client = edge.connect();
      client.write(requestText('GET', '/', asks));
      assert.ok(await client.waitFor(() => client.bytes.includes('\r\nraw'), timeoutMs));
      client.write(' and back');
      assert.ok(await client.waitFor(() => client.state !== 'open', timeoutMs));
      const [head, ...rest] = client.bytes.toString('latin1').split('\r\n\r\n');
      assert.equal(rest.join(), '7\r\nraw and back');
      assert.match(head ?? '', /^HTTP\/1\.1 101 .*\r\n[^]*X-Kept: 1[^]*\r\nUpgrade: echo\/1\r\nConnection: upgrade$/);
      assert.doesNotMatch(head ?? '', /content-length|transfer-encoding/i);
      client.close();
    });

  test('can be half closed by the endpoint too', async () => {
    const endpoint = agreeing();
    const client = edge.connect();
    client.write(requestText('GET', '/', asks));
    const socket = await endpoint.socket();
    socket.end('all I had');
    assert.ok(await client.waitFor(() => client.state === 'fin', timeoutMs));
    client.write('still here');
    await until("the client's bytes still come", () => endpoint.received() === 'still here');
    client.finish();
    await until('the end has come', () => endpoint.ended());
    client.close();
  });

  test('outlives the timeouts of an exchange', async () => {
    const endpoint = agreeing();
    const client = edge.connect();
    client.write(requestText('GET', '/', asks));
    const socket = await endpoint.socket();
    await new Promise((resolve) => setTimeout(resolve, 2300));
    socket.write('later');
    assert.ok(await client.waitFor(() => client.bytes.includes('later'), timeoutMs));
    client.reset();
  });

  for (const side of ['client', 'endpoint'] as const) {
    test(`that the ${side} resets is reset on the other side`, async () => {
      const endpoint = agreeing();
      const client = edge.connect();
      client.write(requestText('GET', '/', asks));
      const socket = await endpoint.socket();
      assert.ok(await client.waitFor(() => client.bytes.includes('\r\n\r\n'), timeoutMs));
      const id = headerLine(client.bytes.toString(), 'x-request-id');
      let errno = '';
      socket.on('error', (error: NodeJS.ErrnoException) => {
        errno = error.code ?? '';
      });
      if (side === 'client') {
        client.reset();
        await until('the endpoint notices', () => socket.destroyed);
        assert.equal(errno, 'ECONNRESET');
      } else {
        socket.resetAndDestroy();
        assert.ok(await client.waitFor(() => client.state === 'reset', timeoutMs));
      }
      const record = await edge.record(id);
      const expected = side === 'client' ? ['abandoned', 'client_gone'] : ['truncated', 'response_body_reset'];
      assert.deepEqual([record.kind, record.end, record.cause], ['tunnel', ...expected]);
    });
  }

  test('lets neither side send faster than the other reads', async () => {
    const endpoint = agreeing();
    const client = connect(edge.address());
    client.on('error', () => {});
    client.write(requestText('GET', '/', asks));
    const socket = await endpoint.socket();
    socket.pause();
    const pump = pumpInto(client);
    await pump.standsStill();
    assert.ok(
      pump.sentBytes() < tunnelBytesMax,
      `${pump.sentBytes()} bytes were sent, and the other side has read none`,
    );
    assert.deepEqual(await readOn(socket, []), pumped());
    client.resetAndDestroy();
  });

  test('does not wait an hour for an endpoint that reads nothing, when its client is gone', async () => {
    const endpoint = agreeing();
    const own = await startFromYaml(`
upstreams: { app: { endpoints: "${origin.address}", check: none } }
timeouts: { idle: 300ms }
`);
    try {
      const client = connect(own.address());
      client.on('error', () => {});
      client.write(requestText('GET', '/', asks));
      const socket = await endpoint.socket();
      socket.on('error', () => {});
      socket.pause();
      await pumpInto(client).standsStill();
      client.resetAndDestroy();
      await until('the exchange has ended', () => own.counts().ended === 1 && own.counts().active === 0);
      assert.equal(own.counts().upstream, 0);
    } finally {
      await own.stop();
    }
  });

  test('lets the endpoint send no faster than the client reads', async () => {
    const endpoint = agreeing();
    const client = connect(edge.address());
    client.on('error', () => {});
    client.write(requestText('GET', '/', asks));
    const socket = await endpoint.socket();
    const [head] = (await once(client, 'data')) as [Buffer];
    client.pause();
    const pump = pumpInto(socket);
    await pump.standsStill();
    assert.ok(
      pump.sentBytes() < tunnelBytesMax,
      `${pump.sentBytes()} bytes were sent, and the other side has read none`,
    );
    assert.deepEqual(await readOn(client, [head.subarray(switchesBytes(head))]), pumped());
    client.resetAndDestroy();
  });

  test('may be idle longer than an answer may', () =>
    undisturbed(async () => {
      const gateway = await startFromYaml(`
upstreams: { app: { endpoints: "${origin.address}", check: none } }
timeouts: { idle: 100ms, response_head: 100ms }
client: { body_timeout: 100ms, head_timeout: 100ms, keep_alive: 100ms }
`);
      try {
        const endpoint = agreeing();
        const client = gateway.connect();
        client.write(requestText('GET', '/', asks));
        const socket = await endpoint.socket();
        await sleep(800);
        client.write('still');
        await until('the message has come', () => endpoint.received() === 'still');
        socket.write('there');
        assert.ok(await client.waitFor(() => client.bytes.includes('there'), timeoutMs));
        client.close();
      } finally {
        await gateway.stop();
      }
    }));

  test('is exempt from the limits of requests and responses: of their size, time, rate and head', async () => {
    const gateway = await startFromYaml(`
upstreams: { app: { endpoints: "${origin.address}", check: none, response_head_max: 1KiB } }
timeouts: { response_head: 1s, exchange: 1s }
client:
  body_max: 10B
  head_max: 1KiB
  target_max: 512B
  head_timeout: 100ms
  body_timeout: 100ms
  head_rate_min: 10MiB
  body_rate_min: 10MiB
  write_rate_min: 10MiB
  rate_grace: 100ms
  pipelined_max: 1
`);
    try {
      const endpoint = agreeing();
      const client = gateway.connect();
      client.write(requestText('GET', '/', asks));
      const socket = await endpoint.socket();
      assert.ok(await client.waitFor(() => client.bytes.includes('\r\n\r\n'), timeoutMs));
      const id = headerLine(client.bytes.toString(), 'x-request-id');
      const message = 'GET / HTTP/1.1\r\n\r\n'.repeat(200);
      for (let sent = 1; sent <= 3; sent++) {
        client.write(message);
        await until('the message has come', () => endpoint.received() === message.repeat(sent));
        socket.write(message);
        const back = (): boolean => client.bytes.toString('latin1').endsWith(message.repeat(sent));
        assert.ok(await client.waitFor(back, timeoutMs));
        await sleep(500); // Three pauses: longer than every timeout above.
      }
      client.finish();
      socket.end();
      assert.ok(await client.waitFor(() => client.state !== 'open', timeoutMs));
      const record = await gateway.record(id);
      assert.deepEqual([record.kind, record.end, record.cause], ['tunnel', 'forwarded', null]);
      assert.deepEqual([record.bytes_in, record.bytes_out], [3 * message.length, 3 * message.length]);
    } finally {
      await gateway.stop();
    }
  });

  test('that is half closed is closed when idle for as long as an answer may be', async () => {
    const gateway = await startFromYaml(`
upstreams: { app: { endpoints: "${origin.address}", check: none } }
timeouts: { idle: 200ms }
`);
    try {
      const endpoint = agreeing();
      const client = gateway.connect();
      client.write(requestText('GET', '/', asks));
      await endpoint.socket();
      assert.ok(await client.waitFor(() => client.bytes.includes('\r\n\r\n'), timeoutMs));
      const id = headerLine(client.bytes.toString(), 'x-request-id');
      client.finish();
      assert.ok(await client.waitFor(() => client.state === 'reset', timeoutMs), 'not an orderly end');
      const record = await gateway.record(id);
      assert.deepEqual([record.kind, record.end, record.cause], ['tunnel', 'truncated', 'tunnel_idle']);
    } finally {
      await gateway.stop();
    }
  });

  test('outlives a reload that removes its route; the end of its listener closes it when the drain timeout expires', async () => {
    const upstreams = `upstreams: { app: { endpoints: "${origin.address}", check: none } }`;
    const elsewhere = 'upstreams: { other: { endpoints: "127.0.0.1:1", check: none } }';
    const gateway = await startFromYaml(
      `${upstreams}\ndrain: { timeout: 400ms }\nlisteners: { http: "127.0.0.1:0", more: "127.0.0.1:0" }\n`,
    );
    try {
      const endpoint = agreeing();
      const client = gateway.connect('more');
      client.write(requestText('GET', '/', asks));
      const socket = await endpoint.socket();
      assert.ok(await client.waitFor(() => client.bytes.includes('\r\n\r\n'), timeoutMs));
      const id = headerLine(client.bytes.toString(), 'x-request-id');
      const both = 'listeners: { http: "127.0.0.1:0", more: "127.0.0.1:0" }';
      const first = await gateway.reload(`${elsewhere}\ndrain: { timeout: 400ms }\n${both}\n`);
      assert.ok(first.ok, JSON.stringify(first));
      await sleep(600);
      client.write('as ever');
      await until('the message has come', () => endpoint.received() === 'as ever');
      socket.write('and back');
      assert.ok(await client.waitFor(() => client.bytes.includes('and back'), timeoutMs));
      const second = await gateway.reload(
        `${elsewhere}\ndrain: { timeout: 400ms }\nlisteners: { http: "127.0.0.1:0" }\n`,
      );
      assert.ok(second.ok, JSON.stringify(second));
      assert.ok(await client.waitFor(() => client.state === 'reset', timeoutMs), 'not an orderly end');
      await until('the tunnel is recorded', async () => (await gateway.gateway.findExchange(id)) !== null);
      const record = await gateway.record(id);
      assert.deepEqual([record.kind, record.end, record.cause], ['tunnel', 'truncated', 'drained']);
      assert.match(
        record.detail ?? '',
        /^A reload removed the listener from the configuration, and the tunnel was closed;/,
      );
      await until('the connection to the endpoint is closed', () => socket.destroyed);
    } finally {
      await gateway.stop();
    }
  });

  test('is force closed when the drain timeout expires, and recorded', async () => {
    const gateway = await startFromYaml(
      `upstreams: { app: { endpoints: "${origin.address}", check: none } }\ndrain: { timeout: 300ms }\nlog: { path: ./tunnels.log }\n`,
    );
    const endpoint = agreeing();
    const client = gateway.connect();
    client.write(requestText('GET', '/', asks));
    const socket = await endpoint.socket();
    assert.ok(await client.waitFor(() => client.bytes.includes('\r\n\r\n'), timeoutMs));
    const stopping = gateway.gateway.stop('the test');
    client.write('meanwhile');
    await until('the message still comes', () => endpoint.received() === 'meanwhile');
    await stopping;
    assert.ok(await client.waitFor(() => client.state === 'reset', timeoutMs));
    await until('the connection to the endpoint is closed', () => socket.destroyed);
    const [record, ...more] = recordsIn(await readFile(join(gateway.folder, 'tunnels.log'), 'utf8'));
    assert.equal(more.length, 0);
    assert.deepEqual([record?.kind, record?.end, record?.cause], ['tunnel', 'truncated', 'drained']);
    assert.match(record?.detail ?? '', /^The gateway was stopped, and the tunnel was closed/);
    assert.equal(record?.bytes_in, 'meanwhile'.length);
    await gateway.stop();
  });
});

describe('an upgrade that does not happen', () => {
  test('early bytes are the next request, and refused if they are none', async () => {
    origin.answer = () => ok('no tunnel');
    const client = edge.connect();
    client.write(`${requestText('GET', '/', asks)}\x81\x05early\r\n\r\n`);
    const first = await responseOn(client);
    assert.deepEqual([first.status, first.body.toString()], [200, 'no tunnel']);
    assert.equal((await responseOn(client)).status, 400);
    assert.equal(origin.requests.length, 1);
    client.close();
  });

  for (const [status, headers] of [
    ['200 OK', []],
    ['403 Forbidden', []],
    ['426 Upgrade Required', ['Upgrade: other/2', 'Connection: Upgrade']],
  ] as const) {
    test(`${status} is forwarded as an ordinary answer, and the connection stays open`, async () => {
      origin.answer = () => ok('answer', headers, status);
      const client = edge.connect();
      client.write(requestText('GET', '/', asks));
      const response = await responseOn(client);
      assert.deepEqual([response.status, response.body.toString()], [Number(status.slice(0, 3)), 'answer']);
      origin.answer = () => ok('next');
      client.write(requestText('GET', '/next'));
      assert.equal((await responseOn(client)).body.toString(), 'next');
      assert.equal((await edge.record(response)).kind, 'exchange');
      client.close();
    });
  }

  for (const [what, sent, answer] of [
    ['a 101 that the client did not ask for', [], switches],
    ['a 101 to another protocol', asks, switches.replace('echo/1', 'echo/2')],
    ['a 101 that names no protocol', asks, 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    [
      'a 101 to the h2c that was not forwarded',
      ['Connection: Upgrade', 'Upgrade: h2c'],
      switches.replace('echo/1', 'h2c'),
    ],
  ] as const) {
    test(`${what} is a 502`, async () => {
      origin.answer = () => answer;
      const response = await edge.get('/', [...sent, 'Accept: application/json']);
      assert.equal(response.status, 502);
      assert.match(headerOf(response, 'proxy-status') ?? '', /;error=http_upgrade_failed/);
      assert.equal((await edge.record(response)).cause, 'response_upgrade_unexpected');
    });
  }

  test('a 426 keeps the protocol names that are tokens, and the connection stays open', async () => {
    for (const [headers, upgrade] of [
      [['Upgrade: other/2,HTTP/3.0', 'Connection: Upgrade'], 'other/2, HTTP/3.0'],
      [['Upgrade: other/2'], 'other/2'],
      [['Upgrade: "other"', 'Connection: Upgrade'], null],
      [[], null],
    ] as const) {
      origin.answer = () => ok('answer', headers, '426 Upgrade Required');
      const client = edge.connect();
      client.write(requestText('GET', '/'));
      const response = await responseOn(client);
      const expected = [426, upgrade, upgrade === null ? null : 'upgrade'];
      assert.deepEqual([response.status, headerOf(response, 'upgrade'), headerOf(response, 'connection')], expected);
      client.write(requestText('GET', '/', ['Connection: close']));
      const last = await responseOn(client);
      assert.equal(headerOf(last, 'connection'), upgrade === null ? 'close' : 'close, upgrade');
      client.close();
    }
    origin.answer = () => ok('answer', ['Upgrade: other/2'], '200 OK');
    assert.equal(headerOf(await edge.get('/'), 'upgrade'), null, 'in another status, Upgrade is hop-by-hop');
  });

  test('an Upgrade without a valid protocol name is ignored', async () => {
    for (const asked of ['web socket', '"echo/1"', 'echo/1, echo 2']) {
      assert.equal((await edge.get('/', ['Connection: Upgrade', `Upgrade: ${asked}`])).status, 200);
      assert.deepEqual([valuesOf(origin.last, 'upgrade'), valuesOf(origin.last, 'connection')], [[], []]);
    }
  });

  test('h2c is not forwarded, and the other protocols are', async () => {
    await edge.get('/', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c, echo/1', 'HTTP2-Settings: AAMAAABk']);
    assert.deepEqual(valuesOf(origin.last, 'upgrade'), ['echo/1']);
    assert.deepEqual(valuesOf(origin.last, 'connection'), ['upgrade']);
    assert.deepEqual(valuesOf(origin.last, 'http2-settings'), []);
  });

  test('an upgrade request is not retried, even if its method is safe to repeat', async () => {
    origin.answer = () => (socket) => void socket.destroy();
    const response = await edge.get('/', [...asks, 'Accept: application/json']);
    assert.deepEqual([response.status, origin.requests.length], [502, 1]);
    assert.equal((await edge.record(response)).attempts[0]?.retry_reason, 'not_idempotent');
  });
});

test('no exchange and no client is left after these tests', async () => {
  await until('no exchange and no client is left', () => edge.counts().active === 0 && edge.counts().clients === 0);
  assert.equal(edge.counts().unclassified, 0);
});

const pieceBytes = 64 * 1024;
const pumpedPieces = 2048;
/**
 * For a message of 128 MiB. The sockets hold most of it: on Linux four of them, and that of a fast reader grows to some
 * MiB. The gateway adds some hundred KiB.
 */
const tunnelBytesMax = 64 * 1024 * 1024;

/** Each block differs, so that lost, repeated and reordered bytes are noticed. */
function piece(number: number): Buffer {
  return Buffer.alloc(pieceBytes, `piece ${number} `);
}

interface Bytes {
  readonly bytes: number;
  readonly sha256: string;
}

function pumped(): Bytes {
  const hash = createHash('sha256');
  for (let number = 0; number < pumpedPieces; number++) hash.update(piece(number));
  return { bytes: pumpedPieces * pieceBytes, sha256: hash.digest('hex') };
}

/** Writes block after block, each when the one before has left the process. */
function pumpInto(socket: Socket): { sentBytes: () => number; standsStill: () => Promise<void> } {
  let sent = 0;
  const next = (): void => {
    if (sent === pumpedPieces || socket.destroyed) return;
    socket.write(piece(sent), () => {
      sent++;
      next();
    });
  };
  next();
  const standsStill = async (): Promise<void> => {
    // The gateway runs in this process: before each look it has had a turn of the event loop.
    for (let still = 0, last = -1; still < stillLooks; await sleep(20)) {
      still = sent === last ? still + 1 : 0;
      last = sent;
    }
  };
  return { sentBytes: () => sent * pieceBytes, standsStill };
}

/** Half a second and as many turns in which no byte has moved. */
const stillLooks = 25;

/** Reads until as many bytes have come as were pumped: `first`, which is already read, and the rest. */
async function readOn(socket: Socket, first: readonly Buffer[]): Promise<Bytes> {
  const hash = createHash('sha256');
  let bytes = 0;
  const take = (some: Buffer): void => {
    hash.update(some);
    bytes += some.length;
  };
  first.forEach(take);
  socket.removeAllListeners('data').on('data', take);
  socket.resume();
  await until('all bytes have come', () => bytes >= pumpedPieces * pieceBytes, readMsMax);
  return { bytes, sha256: hash.digest('hex') };
}

const readMsMax = 60_000;

function switchesBytes(bytes: Buffer): number {
  return bytes.indexOf('\r\n\r\n') + 4;
}

function headerLine(head: string, name: string): string {
  return new RegExp(`^${name}: (.*)\\r$`, 'im').exec(head)?.[1] ?? '';
}
