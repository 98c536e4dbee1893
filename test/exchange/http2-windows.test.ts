import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertRecord } from './cases.ts';
import { Http2Client } from './http2-client.ts';
import { Http1World } from './http1-world.ts';
import type { ArrivedRequest, WorldOptions } from './world.ts';

const mib = 1024 * 1024;
const limits = { writeMs: 60_000, writeRateMin: 200, rateGraceMs: 1000 };

/** Its responses stream: nothing of them is buffered, and their endpoint may be silent. */
function world(options: WorldOptions = {}): Http1World {
  const streams = { buffer: { responseBytesMax: 0 }, timeouts: { idleMs: 600_000 } };
  return new Http1World({ limits, ...streams, ...options }, { clients: 'h2' });
}

interface Streaming {
  readonly client: Http2Client;
  readonly arrived: ArrivedRequest;
}

/** A response that goes on for as long as its endpoint likes, on a connection that takes what is sent to it at once. */
function streaming(one: Http1World, windowBytes = mib): Streaming {
  const client = one.request({}, { connection: 'one', windowBytes });
  one.pass(10);
  const arrived = one.endpoint('a').arrived.at(-1) ?? assert.fail();
  arrived.head(200, null);
  one.pass(60);
  assert.ok(client instanceof Http2Client);
  return { client, arrived };
}

function write({ arrived }: Streaming, bytes: number): void {
  arrived.write(Buffer.alloc(bytes, 'x'));
}

function ends(one: Http1World, { client, arrived }: Streaming, bytes: number): void {
  arrived.end();
  one.pass(100);
  assert.deepEqual([client.state, client.body.length], ['whole', bytes]);
  one.verifyAtRest();
}

describe('a response over HTTP/2 whose client has opened its window late', () => {
  it('is not called unread while nothing waits for the client', () => {
    const one = world();
    const stream = streaming(one);
    stream.client.holdWindow();
    write(stream, 100_000);
    one.pass(100);
    stream.client.readOn();
    one.pass(4000);
    assert.equal(stream.client.state, 'open');
    write(stream, 1000);
    one.pass(100);
    ends(one, stream, 101_000);
  });

  it('may take longer than the grace period in windows of 64 KiB', () => {
    const one = world();
    const stream = streaming(one);
    for (let second = 0; second < 10; second++) {
      stream.client.holdWindow();
      write(stream, 100_000);
      one.pass(900);
      stream.client.readOn();
      one.pass(100);
    }
    ends(one, stream, 1_000_000);
  });

  it('is unread when nothing more passes, after what the credit of its bytes allows', () => {
    const one = world();
    const stream = streaming(one);
    stream.client.holdWindow();
    write(stream, 100_000);
    one.pass(100);
    stream.client.readOn();
    one.pass(100);
    stream.client.holdWindow();
    write(stream, 200_000);
    one.pass(500);
    assert.equal(stream.client.state, 'open');
    one.pass(61_000);
    assert.equal(stream.client.state, 'cut');
    assertRecord(one, { end: 'truncated', status: 200, cause: 'response_not_read' });
    one.verifyAtRest();
  });

  it('is unread after the limit for silence where there is no minimum rate, though other bytes had passed before', () => {
    const one = world({ limits: { writeMs: 5000, writeRateMin: 0 } });
    const stream = streaming(one);
    stream.client.holdWindow();
    write(stream, 300_000);
    one.pass(4000);
    // 64 KiB more pass.
    stream.client.readOn();
    stream.client.holdWindow();
    one.pass(4000);
    assert.equal(stream.client.state, 'open', 'it has taken a part');
    one.pass(5000);
    assert.equal(stream.client.state, 'cut');
    one.verifyAtRest();
  });
});

describe('a response over HTTP/2 whose client opens no window', () => {
  it('is unread although its client goes on taking another one of the same connection', () => {
    const one = world();
    const held = streaming(one);
    held.client.holdWindow();
    write(held, 100_000);
    const other = streaming(one);
    for (let passed = 0; passed < 2000; passed += 100) {
      write(other, 50_000);
      one.pass(100);
    }
    assert.deepEqual([held.client.state, other.client.state], ['cut', 'open']);
    ends(one, other, 1_000_000);
  });

  for (const [what, rates] of [
    ['by the minimum rate', limits],
    ['by the limit for silence', { writeMs: 5000, writeRateMin: 0 }],
  ] as const)
    it(`is unread ${what}, although the connection is full now and then`, () => {
      const one = world({ limits: rates });
      const held = streaming(one, 16_384);
      held.client.holdWindow();
      const other = streaming(one);
      // More than the connection takes at once, so that the response waits for it, too.
      write(held, 100_000);
      for (let passed = 0; passed < 20_000 && held.client.state === 'open'; passed += 100) {
        write(other, 50_000);
        one.pass(100);
      }
      assert.deepEqual([held.client.state, other.client.state], ['cut', 'open']);
      other.arrived.end();
      one.pass(1000);
      assert.equal(other.client.state, 'whole');
      one.verifyAtRest();
    });
});
