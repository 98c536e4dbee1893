import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseRawResponse } from '../../src/testing/testing.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// A response that comes while the request is still being sent (RFC 9112 §9.5, §9.6): the client gets the response, whatever
// happens to the connection to the endpoint, and its own connection is closed with lingering.

type Manner = (socket: Socket) => unknown;
const answer = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo much';

const requestLine = 'POST /upload HTTP/1.1\r\n';

/** How an endpoint that has answered treats the rest of the request. */
const manners: readonly (readonly [what: string, manner: Manner])[] = [
  ['reads on', (socket) => socket.write(answer)],
  ['stops reading', (socket) => socket.pause().write(answer)],
  ['closes', (socket) => socket.end(answer, () => socket.destroy())],
  ['resets', (socket) => socket.write(answer, () => socket.resetAndDestroy())],
  [
    'half-closes and resets later',
    (socket) => socket.end(answer, () => setTimeout(() => socket.resetAndDestroy(), 20)),
  ],
];

let port = 0;
let manner: Manner = () => {};
const open = new Set<Socket>();
const server = createServer({ allowHalfOpen: true }, (socket) => {
  open.add(socket);
  socket.on('error', () => {});
  socket.on('close', () => open.delete(socket));
  // A connection that has received all of an upload may get the next request.
  let unread = '';
  socket.on('data', (piece: Buffer) => {
    const text = unread + piece.toString('latin1');
    unread = text.slice(1 - requestLine.length);
    if (text.includes(requestLine)) manner(socket);
  });
});
let edge: YamlGateway;
before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
  edge = await startFromYaml(`upstreams: { app: { endpoints: "127.0.0.1:${port}", check: none } }`);
});
after(() => edge.stop());
after(() => {
  for (const socket of open) socket.destroy();
  server.close();
});

/** Uploads without reading, as simple clients do, and then reads; or reads meanwhile. */
async function upload(framing: 'length' | 'chunked', bytes: number, paceMs: number): Promise<Buffer> {
  const socket = connect({ ...edge.address(), allowHalfOpen: true });
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => void pieces.push(piece));
  const errors: string[] = [];
  socket.on('error', (error: NodeJS.ErrnoException) => void errors.push(error.code ?? ''));
  const ended = new Promise<void>((resolve) => void socket.on('end', resolve).on('close', () => resolve()));
  const header = framing === 'length' ? `Content-Length: ${bytes}` : 'Transfer-Encoding: chunked';
  socket.write(`${requestLine}Host: example.org\r\n${header}\r\n\r\n`);
  const piece = Buffer.alloc(32 * 1024, 'x');
  for (let sent = 0; sent < bytes && !socket.destroyed; sent += piece.length) {
    const chunk =
      framing === 'length'
        ? piece.subarray(0, Math.min(piece.length, bytes - sent))
        : Buffer.concat([Buffer.from('8000\r\n'), piece, Buffer.from('\r\n')]);
    if (!socket.write(chunk)) await Promise.race([once(socket, 'drain'), ended]);
    if (paceMs > 0) await sleep(paceMs);
    if (pieces.length > 0 && sent > bytes / 2) break;
  }
  try {
    await until(
      'the answer has come',
      () => socket.closed || parseRawResponse(Buffer.concat(pieces), 'POST', 'no')?.complete === true,
    );
  } finally {
    socket.destroy();
  }
  return Buffer.concat(pieces);
}

describe('an answer in the middle of an upload reaches the client', () => {
  for (const [what, how] of manners) {
    for (const framing of ['length', 'chunked'] as const) {
      for (const [pace, paceMs, bytes] of [
        ['at full speed', 0, 8 * 1024 * 1024],
        ['slowly', 3, 2 * 1024 * 1024],
      ] as const) {
        test(`although the endpoint ${what} (${framing}, ${pace})`, async () => {
          manner = how;
          for (let time = 0; time < 5; time++) {
            const bytesRead = await upload(framing, bytes, paceMs);
            const response = parseRawResponse(bytesRead, 'POST', 'fin');
            assert.ok(response !== null, 'a response has come');
            assert.deepEqual([response.status, response.body.toString()], [413, 'too much']);
          }
        });
      }
    }
  }

  test('leaves no exchange and no client behind', async () => {
    await until('no exchange and no client is left', () => edge.counts().active === 0 && edge.counts().clients === 0);
    assert.equal(edge.counts().unclassified, 0);
  });
});
