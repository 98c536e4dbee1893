import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../../test/properties.ts';
import type { Transport } from '../../core/transport.ts';
import { h2Limits } from './limits.ts';
import { defaultFrameBytes, defaultWindowBytes, frameFlags, frameTypes, windowBytesMax } from './protocol.ts';
import { SessionSender } from './session-sender.ts';
import { SessionStream } from './session-stream.ts';
import { HeldTransport, StreamLog } from './session.test-support.ts';

class World {
  readonly transport = new HeldTransport();
  congested = 0;
  readonly sender = new SessionSender(this.transport as unknown as Transport, { onCongested: () => this.congested++ });
  readonly logs = new Map<number, StreamLog>();

  stream(id: number, window = defaultWindowBytes): SessionStream {
    const log = new StreamLog();
    this.logs.set(id, log);
    return new SessionStream(id, window, 0, log);
  }

  send(stream: SessionStream, bytes: Uint8Array): boolean {
    return this.sender.body(stream, bytes, 0, bytes.length, 'borrowed');
  }

  log(stream: SessionStream): StreamLog {
    return this.logs.get(stream.id) ?? assert.fail();
  }

  /** The frames of everything that has left: type, flags, stream, payload. */
  frames(): { type: number; flags: number; id: number; payload: Buffer }[] {
    const bytes = Buffer.concat(this.transport.sent);
    const frames = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + 9 + bytes.readUIntBE(at, 3);
      const [type, flags] = [bytes[at + 3] as number, bytes[at + 4] as number];
      frames.push({ type, flags, id: bytes.readUInt32BE(at + 5), payload: bytes.subarray(at + 9, end) });
      at = end;
    }
    return frames;
  }

  bodyOf({ id }: SessionStream): Buffer {
    const own = this.frames().filter((one) => one.id === id && one.type === frameTypes.data);
    return Buffer.concat(own.map(({ payload }) => payload));
  }
}

const of = (length: number, fill = 1): Buffer => Buffer.alloc(length, fill);

describe('a sender', () => {
  it('sends all frames of a turn in one write, when the turn ends', () => {
    const world = new World();
    const streams = [1, 3, 5].map((id) => world.stream(id));
    for (const stream of streams) {
      world.sender.headers(stream, of(20), 0, 20, false);
      world.send(stream, of(100));
      world.sender.end(stream, null);
    }
    assert.deepEqual([world.transport.sent.length, world.log(streams[0] as SessionStream).allSent], [0, false]);
    world.transport.endTurn();
    assert.equal(world.transport.sent.length, 1);
    assert.ok(streams.every((stream) => stream.isSent && world.log(stream).allSent));
    assert.equal(world.frames().length, 6, 'END_STREAM is a flag of the last DATA frame');
  });

  // What is sent before the end of a stream, and the frames of it, each with END_STREAM or without.
  const { headers, data } = frameTypes;
  const endings: readonly (readonly [
    what: string,
    send: (world: World, stream: SessionStream) => void,
    expected: readonly (readonly [number, boolean])[],
  ])[] = [
    ['behind its head', (world, stream) => world.sender.end(stream, null), [[headers, true]]],
    [
      'behind content that has left',
      (world, stream) => {
        world.send(stream, of(5));
        world.transport.endTurn();
        world.sender.end(stream, null);
      },
      [
        [headers, false],
        [data, false],
        [data, true],
      ],
    ],
    [
      'with trailers',
      (world, stream) => {
        world.send(stream, of(5));
        world.sender.end(stream, of(3));
      },
      [
        [headers, false],
        [data, false],
        [headers, true],
      ],
    ],
    [
      'behind content that waits for a window',
      (world, stream) => {
        stream.sendWindow = 2;
        world.send(stream, of(5));
        world.sender.end(stream, null);
        stream.sendWindow = 10;
        world.sender.pump();
      },
      [
        [headers, false],
        [data, false],
        [data, true],
      ],
    ],
    [
      'with trailers behind content that waits for a window',
      (world, stream) => {
        stream.sendWindow = 0;
        world.send(stream, of(5));
        world.sender.end(stream, of(3));
        stream.sendWindow = 10;
        world.sender.pump();
      },
      [
        [headers, false],
        [data, false],
        [headers, true],
      ],
    ],
  ];
  for (const [what, send, expected] of endings)
    it(`ends a stream ${what} by one END_STREAM`, () => {
      const world = new World();
      const stream = world.stream(1);
      world.sender.headers(stream, of(20), 0, 20, false);
      send(world, stream);
      world.transport.endTurn();
      assert.deepEqual(
        world.frames().map(({ type, flags }) => [type, (flags & frameFlags.endStream) !== 0]),
        expected,
      );
      assert.equal(world.log(stream).allSent, true);
    });

  it('begins late trailers with a table of size 0 where the peer has asked for one meanwhile', () => {
    const world = new World();
    const stream = world.stream(1, 0);
    world.send(stream, of(5));
    world.sender.end(stream, Buffer.of(0x88));
    world.sender.mustShrinkTable = true;
    stream.sendWindow = 10;
    world.sender.pump();
    world.transport.endTurn();
    assert.deepEqual([...(world.frames().at(-1)?.payload ?? [])], [0x20, 0x88]);
    assert.equal(world.sender.mustShrinkTable, false);
  });

  it('holds a body up while the connection is busy, and asks for more when all has left', () => {
    const world = new World();
    const stream = world.stream(1);
    world.transport.isBusy = true;
    assert.equal(world.send(stream, of(100)), true);
    world.transport.endTurn();
    assert.equal(world.congested, 1);
    assert.equal(world.send(stream, of(50, 2)), false);
    assert.deepEqual([stream.waitingBytes, world.log(stream).rooms], [50, 0]);
    world.transport.release(() => world.sender.onWritten());
    world.transport.endTurn();
    assert.deepEqual([stream.waitingBytes, world.log(stream).rooms], [0, 1]);
    assert.deepEqual(world.bodyOf(stream), Buffer.concat([of(100), of(50, 2)]));
  });

  it('counts DATA frames that a window has made small for none', () => {
    const counted = (bytes: number, window: number): number => {
      const world = new World();
      world.send(world.stream(1, window), of(bytes));
      return world.sender.dataFrames;
    };
    assert.deepEqual(
      [counted(5, 100), counted(5, 5), counted(5, 4), counted(5000, h2Limits.smallSentFrameBytes), counted(5000, 1023)],
      [1, 1, 0, 1, 0],
    );
  });

  it('sends no more on all streams together than the window of the connection', () => {
    const world = new World();
    const streams = [1, 3].map((id) => world.stream(id, 1e6));
    const sent = (): number => streams.reduce((sum, stream) => sum + world.bodyOf(stream).length, 0);
    for (const stream of streams) world.send(stream, of(60_000));
    world.transport.endTurn();
    assert.equal(sent(), defaultWindowBytes);
    world.sender.widen(10);
    world.sender.pump();
    world.transport.endTurn();
    assert.equal(sent(), defaultWindowBytes + 10);
  });

  it('says that the window of the connection is too large when it is', () => {
    const { sender } = new World();
    assert.equal(sender.widen(windowBytesMax - defaultWindowBytes), true);
    assert.equal(sender.widen(1), false);
  });

  it('sends nothing of a stream that is forgotten, and nothing at all once it is stopped', () => {
    const world = new World();
    const [one, other] = [world.stream(1, 0), world.stream(3, 0)];
    for (const stream of [one, other]) world.send(stream, of(10));
    world.sender.forget(one);
    one.isOver = true;
    for (const stream of [one, other]) stream.sendWindow = 100;
    world.sender.pump();
    world.transport.endTurn();
    assert.deepEqual([world.bodyOf(one).length, world.bodyOf(other).length], [0, 10]);
    world.sender.stop();
    assert.equal(world.send(other, of(10)), true);
    world.sender.touch();
    world.transport.endTurn();
    assert.equal(world.bodyOf(other).length, 10);
  });

  const step = fc.oneof(
    fc.record({ send: fc.nat(3), bytes: fc.integer({ min: 1, max: 40_000 }) }),
    fc.record({ widen: fc.nat(3), by: fc.integer({ min: 1, max: 60_000 }) }),
    fc.record({ widenAll: fc.integer({ min: 1, max: 90_000 }) }),
    fc.record({ end: fc.nat(3) }),
    fc.constantFrom('busy' as const, 'release' as const, 'turn' as const, 'pump' as const),
  );
  it('sends every byte once and in order, within all windows, in frames of 16 KiB at most, whatever is busy', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const world = new World();
        const streams = [1, 3, 5, 7].map((id) => world.stream(id, 30_000));
        const sent = streams.map(() => of(0));
        const granted = streams.map(() => 30_000);
        const ended = new Set<number>();
        let grantedAll = defaultWindowBytes;
        const grant = (index: number, by: number): void => {
          (streams[index] as SessionStream).sendWindow += by;
          granted[index] = (granted[index] as number) + by;
        };
        const verify = (): void => {
          const got = streams.map((stream) => world.bodyOf(stream));
          assert.ok(got.reduce((sum, { length }) => sum + length, 0) <= grantedAll);
          for (const [index, body] of got.entries()) {
            assert.ok(body.length <= (granted[index] as number));
            assert.ok(body.equals((sent[index] as Buffer).subarray(0, body.length)));
          }
          for (const { payload } of world.frames()) assert.ok(payload.length <= defaultFrameBytes);
        };
        for (const [turn, one] of steps.entries()) {
          if (one === 'busy') world.transport.isBusy = true;
          else if (one === 'turn') world.transport.endTurn();
          else if (one === 'pump') world.sender.pump();
          else if (one === 'release') world.transport.release(() => world.sender.onWritten());
          else if ('widenAll' in one) {
            world.sender.widen(one.widenAll);
            grantedAll += one.widenAll;
          } else if ('widen' in one) grant(one.widen, one.by);
          else if ('end' in one) {
            if (!ended.has(one.end)) world.sender.end(streams[one.end] as SessionStream, null);
            ended.add(one.end);
          } else if (!ended.has(one.send)) {
            const bytes = of(one.bytes, turn + 1);
            sent[one.send] = Buffer.concat([sent[one.send] as Buffer, bytes]);
            world.send(streams[one.send] as SessionStream, bytes);
            bytes.fill(0xdb); // They were lent.
          }
          verify();
        }
        world.sender.widen(1e7);
        grantedAll += 1e7;
        for (const index of streams.keys()) grant(index, 1e7);
        world.sender.pump();
        for (let turn = 0; turn < 3; turn++) {
          world.transport.endTurn();
          world.transport.release(() => world.sender.onWritten());
        }
        verify();
        for (const [index, stream] of streams.entries()) {
          assert.equal(world.bodyOf(stream).length, sent[index]?.length);
          const ends = world
            .frames()
            .filter(({ id, flags }) => id === stream.id && (flags & frameFlags.endStream) !== 0);
          assert.equal(ends.length, ended.has(index) ? 1 : 0);
          assert.equal(world.log(stream).allSent, ended.has(index));
        }
      }),
      { numRuns: 200 },
    );
  });
});
