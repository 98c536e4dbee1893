import assert from 'node:assert/strict';
import { once } from 'node:events';
import { gunzipSync } from 'node:zlib';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, test } from 'node:test';
import type { OtlpSpec } from '../core/configuration.ts';
import { certificateAuthority } from '../testing/certificates.ts';
import { Collector } from './collector.ts';

// What becomes of a request where the collector does something else than answer, over real sockets.

const spec: OtlpSpec = {
  endpoint: '',
  format: 'protobuf',
  headers: {},
  compression: 'none',
  authorities: [],
  identity: null,
  timeoutMs: 300,
  resource: {},
  traces: null,
  logs: 'all',
  metrics: null,
};

let server: Server | null = null;
const open = new Set<Socket>();
afterEach(async () => {
  for (const socket of open) socket.destroy();
  server?.close();
  if (server !== null) await once(server, 'close');
  server = null;
});

async function listen(made: Server, protocol = 'http'): Promise<string> {
  server = made;
  made.on('connection', (socket) => {
    open.add(socket);
    socket.on('error', () => {});
  });
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  const address = made.address();
  return `${protocol}://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

async function whyNot(changes: Partial<OtlpSpec>): Promise<string> {
  const collector = new Collector({ ...spec, ...changes });
  const response = await collector.post('traces', Buffer.from('x'));
  collector.close();
  return 'why' in response ? response.why : `status ${response.status}`;
}

describe('a collector', () => {
  const cases: readonly (readonly [does: string, (socket: Socket) => void, why: string])[] = [
    ['hangs', () => {}, 'it did not answer within 0.3 s'],
    [
      'sends a head and hangs',
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab'),
      'it did not answer within 0.3 s',
    ],
    ['closes', (socket) => socket.end(), 'it closed the connection before it answered'],
    ['resets', (socket) => socket.resetAndDestroy(), 'it closed the connection before it answered'],
    ['speaks something else', (socket) => socket.write('SSH-2.0-OpenSSH_9.6\r\n'), 'it sent no HTTP'],
    ['answers without end', (socket) => socket.write(`HTTP/1.1 503 No\r\n\r\n${'x'.repeat(70_000)}`), 'status 503'],
    [
      'redirects, which is not followed',
      (socket) => socket.write('HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n'),
      'status 302',
    ],
  ];
  for (const [does, act, why] of cases)
    test(`that ${does}`, async () => {
      const endpoint = await listen(createServer((socket) => void socket.once('data', () => act(socket))));
      assert.equal(await whyNot({ endpoint }), why);
    });

  test('is given up after parts of a millisecond, as when the exporter ends', async () => {
    const endpoint = await listen(createServer());
    assert.equal(await whyNot({ endpoint, timeoutMs: 20.25 }), 'it did not answer within 0.021 s');
  });

  test('is sent nothing with a header that HTTP does not allow, and nothing throws', async () => {
    const endpoint = await listen(createServer());
    assert.equal(
      await whyNot({ endpoint, headers: { authorization: 'two\nlines' } }),
      'a header below "headers" or "header_files" has a character that HTTP does not allow',
    );
  });

  test('that closes an idle connection when the next request comes gets it on another one, once', async () => {
    let connections = 0;
    const endpoint = await listen(
      createServer((socket) => {
        connections += 1;
        const isFirst = connections === 1;
        let requests = 0;
        socket.on('data', () => {
          requests += 1;
          if (requests > 1 || !(isFirst || connections === 2)) socket.resetAndDestroy();
          else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        });
      }),
    );
    const collector = new Collector({ ...spec, endpoint, timeoutMs: 10_000 });
    const post = async () => {
      const response = await collector.post('traces', Buffer.from('x'));
      await new Promise(setImmediate);
      return 'status' in response ? response.status : response.why;
    };
    assert.equal(await post(), 200);
    assert.equal(await post(), 200);
    // The connection is reset, and so is the next one.
    assert.equal(await post(), 'it closed the connection before it answered');
    assert.equal(connections, 3);
    collector.close();
  });

  test('that is not used any more still answers what it was sent', async () => {
    const endpoint = await listen(
      createServer((socket) => {
        socket.once('data', () => {
          collector.close();
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        });
      }),
    );
    const collector = new Collector({ ...spec, endpoint, timeoutMs: 10_000 });
    const response = await collector.post('traces', Buffer.from('x'));
    assert.equal('status' in response ? response.status : response.why, 200);
  });

  test('that does not run', async () => {
    const endpoint = await listen(createServer());
    server?.close();
    server = null;
    assert.equal(await whyNot({ endpoint }), 'it refuses connections: nothing listens there');
  });

  test('gets what is sent by gzip, with a length and a coding that say so', async () => {
    const got = Promise.withResolvers<string>();
    const endpoint = await listen(
      createServer((socket) => {
        let bytes = Buffer.alloc(0);
        socket.on('data', (part: Buffer) => {
          bytes = Buffer.concat([bytes, part]);
          const end = bytes.indexOf('\r\n\r\n') + 4;
          const length = Number(/content-length: (\d+)/i.exec(bytes.toString('latin1'))?.[1]);
          if (end < 4 || bytes.length < end + length) return;
          assert.match(bytes.toString('latin1', 0, end), /content-encoding: gzip\r\n/i);
          got.resolve(gunzipSync(bytes.subarray(end)).toString());
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        });
      }),
    );
    assert.equal(await whyNot({ endpoint, compression: 'gzip', timeoutMs: 10_000 }), 'status 200');
    assert.equal(await got.promise, 'x');
  });

  test('that asks for a certificate takes what comes with the one it trusts, and nothing without', async () => {
    const authority = certificateAuthority(Date.now());
    const server = authority.issue({ names: ['127.0.0.1'] });
    const client = authority.issue({ names: ['gateway.test'], client: true });
    const stranger = certificateAuthority(Date.now()).issue({ names: ['gateway.test'], client: true });
    const endpoint = await listen(
      createTlsServer(
        { cert: server.certificate, key: server.key, ca: authority.certificate, requestCert: true },
        (socket) => {
          socket.on('error', () => {});
          socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
        },
      ),
      'https',
    );
    const trusted = { endpoint, authorities: [authority.certificate], timeoutMs: 10_000 };
    assert.equal(await whyNot({ ...trusted, identity: client }), 'status 200');
    assert.notEqual(await whyNot({ ...trusted, identity: stranger }), 'status 200');
    assert.notEqual(await whyNot(trusted), 'status 200');
  });

  test('with a certificate of an authority of its own is trusted by that authority alone', async () => {
    const authority = certificateAuthority(Date.now());
    const identity = authority.issue({ names: ['127.0.0.1'] });
    const endpoint = await listen(
      createTlsServer({ cert: identity.certificate, key: identity.key }, (socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
      }),
      'https',
    );
    assert.equal(await whyNot({ endpoint, authorities: [authority.certificate], timeoutMs: 10_000 }), 'status 200');
    assert.match(
      await whyNot({ endpoint, timeoutMs: 10_000 }),
      /^its certificate is of an authority that is not trusted/,
    );
  });
});
