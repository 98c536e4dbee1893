import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../../test/properties.ts';
import type { Transport, TransportListener } from '../core/transport.ts';
import { createTransportPair, type TransportPairOptions } from './memory-transport.ts';
import { SeededRandom } from './seeded-random.ts';
import { SimulatedClock } from './simulated-clock.ts';

/** Records the calls that it receives, in order. */
class Diary implements TransportListener {
  readonly lines: string[] = [];
  bytes = Buffer.alloc(0);
  onPiece: (() => void) | null = null;

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = Buffer.concat([this.bytes, bytes.subarray(start, end)]);
    this.lines.push(`bytes ${end - start}`);
    this.onPiece?.();
  }

  onEnd(): void {
    this.lines.push('end');
  }

  onWritten(): void {
    this.lines.push('written');
  }

  onClosed(errno: string | null): void {
    this.lines.push(`closed ${errno}`);
  }
}

function pair(options: Partial<TransportPairOptions> = {}) {
  const clock = new SimulatedClock();
  const [a, b] = createTransportPair({ clock, ...options });
  const heardByA = new Diary();
  const heardByB = new Diary();
  a.listener = heardByA;
  b.listener = heardByB;
  return { clock, a, b, heardByA, heardByB };
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function send(transport: Transport, text: string): boolean {
  const bytes = encode(text);
  return transport.write(bytes, 0, bytes.length, 'borrowed');
}

test('bytes arrive later, and never inside write()', () => {
  const { clock, a, heardByB } = pair();
  assert.equal(send(a, 'hello'), true);
  assert.deepEqual(heardByB.lines, []);
  clock.advanceSync(0);
  assert.deepEqual(heardByB.lines, ['bytes 5']);
  assert.equal(heardByB.bytes.toString(), 'hello');
});

test('latency delays delivery', () => {
  const { clock, a, heardByB } = pair({ latencyMs: 20 });
  send(a, 'hello');
  clock.advanceSync(19);
  assert.deepEqual(heardByB.lines, []);
  clock.advanceSync(1);
  assert.deepEqual(heardByB.lines, ['bytes 5']);
});

test('beyond the window, bytes stay pending until the peer reads; only then onWritten is called', () => {
  const { clock, a, b, heardByA, heardByB } = pair({ windowBytes: 4 });
  b.pause();
  assert.equal(send(a, 'abcdefgh'), false);
  assert.equal(a.pendingBytes, 4);
  clock.advanceSync(1000);
  assert.equal(a.pendingBytes, 4);
  assert.deepEqual(heardByA.lines, []);
  b.resume();
  clock.advanceSync(0);
  assert.equal(a.pendingBytes, 0);
  assert.deepEqual(heardByA.lines, ['written']);
  assert.equal(heardByB.bytes.toString(), 'abcdefgh');
});

test('a write that the window takes at once is followed by no onWritten', () => {
  const { clock, a, heardByA } = pair();
  send(a, 'x');
  clock.advanceSync(10);
  assert.deepEqual(heardByA.lines, []);
});

test('pause() holds back bytes and FIN; resume() lets them through', () => {
  const { clock, a, b, heardByB } = pair();
  send(a, 'abc');
  a.end();
  b.pause();
  clock.advanceSync(10);
  assert.deepEqual(heardByB.lines, []);
  b.resume();
  clock.advanceSync(0);
  assert.deepEqual(heardByB.lines, ['bytes 3', 'end']);
});

test('pausing inside onBytes stops the next delivery', () => {
  const { clock, a, b, heardByB } = pair({ slices: { random: new SeededRandom(1), bytesMax: 1 } });
  heardByB.onPiece = () => b.pause();
  send(a, 'abc');
  clock.advanceSync(10);
  assert.deepEqual(heardByB.lines, ['bytes 1']);
});

test('FIN comes after all bytes, including pending ones, and the other direction stays open', () => {
  const { clock, a, b, heardByA, heardByB } = pair({ windowBytes: 2 });
  send(a, 'abcde');
  a.end();
  clock.advanceSync(0);
  assert.equal(heardByB.bytes.toString(), 'abcde');
  assert.equal(heardByB.lines.at(-1), 'end');
  send(b, 'answer');
  clock.advanceSync(0);
  assert.equal(heardByA.bytes.toString(), 'answer');
});

test('when both ends have sent FIN, both are closed without an errno and get no more calls', () => {
  const { clock, a, b, heardByA, heardByB } = pair();
  a.end();
  clock.advanceSync(0);
  b.end();
  clock.advanceSync(0);
  assert.deepEqual(heardByA.lines, ['end', 'closed null']);
  assert.deepEqual(heardByB.lines, ['end', 'closed null']);
  assert.equal(clock.timersLive, 0);
});

test('close() sends FIN, calls onClosed at its own end, and discards what the peer sends', () => {
  const { clock, a, b, heardByA, heardByB } = pair();
  send(a, 'last words');
  a.close('close');
  clock.advanceSync(0);
  assert.deepEqual(heardByA.lines, ['closed null']);
  assert.deepEqual(heardByB.lines, ['bytes 10', 'end']);
  send(b, 'too late');
  clock.advanceSync(0);
  assert.deepEqual(heardByB.lines.slice(2), ['closed ECONNRESET']);
  assert.deepEqual(heardByA.lines, ['closed null']);
});

test('close with bytes unread resets the peer, as Linux does', () => {
  const { clock, a, b, heardByB } = pair();
  send(b, 'never read');
  a.close('close');
  clock.advanceSync(0);
  assert.deepEqual(heardByB.lines, ['closed ECONNRESET']);
});

test('a reset arrives as ECONNRESET after the bytes that the kernel had', () => {
  const { clock, a, heardByA, heardByB } = pair();
  send(a, 'half a head');
  a.close('reset');
  clock.advanceSync(0);
  assert.deepEqual(heardByB.lines, ['bytes 11', 'closed ECONNRESET']);
  assert.deepEqual(heardByA.lines, ['closed null']);
});

test('bytes that are pending when the connection is closed are lost', () => {
  const { clock, a, b, heardByB } = pair({ windowBytes: 3 });
  b.pause();
  send(a, 'abcdef');
  a.close('close');
  b.resume();
  clock.advanceSync(0);
  assert.equal(heardByB.bytes.toString(), 'abc');
});

test('a paused end learns of a reset when it writes, or while bytes are pending', () => {
  const idle = pair();
  idle.b.pause();
  idle.a.close('reset');
  idle.clock.advanceSync(1000);
  assert.deepEqual(idle.heardByB.lines, []);
  send(idle.b, 'x');
  idle.clock.advanceSync(0);
  assert.deepEqual(idle.heardByB.lines, ['closed ECONNRESET']);

  const writing = pair({ windowBytes: 1 });
  writing.a.pause();
  writing.b.pause();
  send(writing.b, 'xyz');
  writing.a.close('reset');
  writing.clock.advanceSync(0);
  assert.deepEqual(writing.heardByB.lines, ['closed ECONNRESET']);
});

test('borrowed bytes are overwritten when onBytes returns', () => {
  const { clock, a, b } = pair();
  let kept: Uint8Array = new Uint8Array(0);
  let seen = '';
  b.listener = {
    onBytes: (bytes, start, end) => {
      kept = bytes.subarray(start, end);
      seen = Buffer.from(kept).toString();
    },
    onEnd() {},
    onWritten() {},
    onClosed() {},
  };
  send(a, 'secret');
  clock.advanceSync(0);
  assert.equal(seen, 'secret');
  assert.deepEqual([...kept], Array(6).fill(0xdb));
});

test('bytes read in bulk last until the next read', () => {
  const { clock, a, b } = pair();
  const kept: Uint8Array[] = [];
  b.listener = {
    onBytes: (bytes, start, end) => kept.push(bytes.subarray(start, end)),
    onEnd() {},
    onWritten() {},
    onClosed() {},
  };
  b.readInBulk(true);
  send(a, 'one');
  clock.advanceSync(0);
  assert.equal(Buffer.from(kept[0]!).toString(), 'one');
  send(a, 'two');
  clock.advanceSync(0);
  assert.deepEqual([...kept[0]!], [0xdb, 0xdb, 0xdb]);
  assert.equal(Buffer.from(kept[1]!).toString(), 'two');
});

test('a writer that changes its bytes while they are pending breaks an invariant', () => {
  const { clock, a, b } = pair({ windowBytes: 2 });
  const bytes = encode('abcd');
  b.pause();
  a.write(bytes, 0, 4, 'owned');
  bytes[3] = 0;
  b.resume();
  assert.throws(() => clock.advanceSync(0), { name: 'BrokenInvariant' });
});

test('borrowed bytes may be changed as soon as write returns', () => {
  const { clock, a, heardByB } = pair({ windowBytes: 2 });
  const bytes = encode('abcd');
  a.write(bytes, 0, 4, 'borrowed');
  bytes.fill(0);
  clock.advanceSync(0);
  assert.equal(heardByB.bytes.toString(), 'abcd');
});

test('writing after end() is a broken invariant; writing after close() has no effect', () => {
  const { clock, a, b, heardByA } = pair();
  a.end();
  assert.throws(() => send(a, 'x'), { name: 'BrokenInvariant' });
  b.close('close');
  assert.equal(send(b, 'x'), false);
  clock.advanceSync(0);
  assert.equal(heardByA.bytes.length, 0);
});

test('the nth write fails with its errno, and the peer is reset', () => {
  const { clock, a, heardByA, heardByB } = pair({ faults: { first: { write: { nth: 2, errno: 'EPIPE' } } } });
  assert.equal(send(a, 'one'), true);
  assert.equal(send(a, 'two'), false);
  clock.advanceSync(0);
  assert.deepEqual(heardByA.lines, ['closed EPIPE']);
  assert.equal(heardByB.bytes.toString(), 'one');
  assert.equal(heardByB.lines.at(-1), 'closed ECONNRESET');
});

test('the nth read fails with its errno', () => {
  const { clock, a, heardByB } = pair({ faults: { second: { read: { nth: 2, errno: 'ETIMEDOUT' } } } });
  send(a, 'one');
  clock.advanceSync(0);
  send(a, 'two');
  clock.advanceSync(0);
  assert.deepEqual(heardByB.lines, ['bytes 3', 'closed ETIMEDOUT']);
});

for (const at of [0, 1, 4, 5]) {
  test(`a reset at byte ${at} lets ${at} bytes through, then resets both ends`, () => {
    const { clock, a, heardByA, heardByB } = pair({ faults: { second: { resetAtByte: at } } });
    send(a, 'hello');
    clock.advanceSync(0);
    assert.equal(heardByB.bytes.toString(), 'hello'.slice(0, at));
    assert.equal(heardByB.lines.at(-1), 'closed ECONNRESET');
    assert.deepEqual(heardByA.lines, ['closed ECONNRESET']);
  });
}

test('with any window, slices and pauses the same bytes arrive in order, and both ends close', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 }),
      (seed, windowBytes, bytesMax, writes) => {
        const random = new SeededRandom(seed);
        const { clock, a, b, heardByA, heardByB } = pair({ windowBytes, latencyMs: 1, slices: { random, bytesMax } });
        for (const bytes of writes) {
          a.write(bytes, 0, bytes.length, 'owned');
          if (random.next() < 0.3) b.pause();
          else b.resume();
          clock.advanceSync(random.integer(3));
        }
        a.end();
        b.resume();
        clock.advanceSync(5000);
        b.end();
        clock.advanceSync(5);
        assert.deepEqual(heardByB.bytes, Buffer.concat(writes));
        assert.equal(heardByA.lines.at(-1), 'closed null');
        assert.equal(heardByB.lines.at(-1), 'closed null');
        assert.equal(clock.timersLive, 0);
      },
    ),
    { numRuns: 150 },
  );
});
