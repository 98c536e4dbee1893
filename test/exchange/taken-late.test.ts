import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Http1World } from './http1-world.ts';

const bodyBytes = 20_000;

const requests: readonly [name: string, request: string, halfCloses: boolean, waitsMs: number][] = [
  ['whose request was its last', 'GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', false, 10_000],
  ['that speaks HTTP/1.0', 'GET /a HTTP/1.0\r\nHost: a\r\n\r\n', false, 10_000],
  ['that has ended its own direction', 'GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', true, 10_000],
  ['that might have asked for more', 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n', false, 70_000],
];

/** A response is handed to the transport whole, and held there; the client begins to read it `waitsMs` later. */
function takenLate(request: string, halfCloses: boolean, waitsMs: number) {
  const world = new Http1World(
    {},
    { pairOptions: (side) => (side === 'client' ? { holds: 'both', windowBytes: 16_384 } : {}) },
  );
  world.endpoint('a').onRequest = (arrived) => arrived.answer(200, 'x'.repeat(bodyBytes));
  const { client } = world.connect();
  let bytesGot = 0;
  let text = '';
  client.listener = {
    onBytes: (bytes, start, end) => {
      bytesGot += end - start;
      text = (text + Buffer.from(bytes.slice(start, end)).toString('latin1')).slice(0, 1000);
    },
    onEnd() {},
    onWritten() {},
    onClosed() {},
  };
  client.write(Buffer.from(request, 'latin1'), 0, request.length, 'owned');
  if (halfCloses) client.end();
  client.pause();
  world.pass(waitsMs);
  client.resume();
  world.pass(5000);
  return { world, bodyGot: bytesGot - text.indexOf('\r\n\r\n') - 4 };
}

describe('an answer that waits for its client is not cut off by the end of the connection', () => {
  for (const [name, request, halfCloses, waitsMs] of requests) {
    it(`of a client ${name}`, () => {
      const { world, bodyGot } = takenLate(request, halfCloses, waitsMs);
      assert.equal(bodyGot, bodyBytes);
      world.pass(70_000);
      world.verifyAtRest();
      assert.equal(world.counts.clientConnections, 0);
    });
  }

  it('but is given up when the client takes nothing of it for long', () => {
    const { world, bodyGot } = takenLate(requests[0]?.[1] ?? '', false, 40_000);
    assert.ok(bodyGot < bodyBytes);
    world.verifyAtRest();
    assert.equal(world.counts.clientConnections, 0);
  });
});
