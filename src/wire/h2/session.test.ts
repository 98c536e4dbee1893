import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../../test/properties.ts';
import { frame, ServerUnderTest } from './session.test-support.ts';
import { h2Limits } from './limits.ts';
import { defaultWindowBytes, errorNumber, frameFlags, frameTypes, settingIds, windowBytesMax } from './protocol.ts';
import type { Strain } from './frame-rates.ts';

const { data, headers, rstStream, settings, ping, goAway, windowUpdate, priorityUpdate } = frameTypes;
const { endStream, endHeaders, padded, ack } = frameFlags;

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function initialWindow(value: number): Buffer {
  return frame(settings, 0, 0, Buffer.concat([Buffer.of(0, settingIds.initialWindowSize), word(value)]));
}

const head = Buffer.of(0x88);

/** What the gateway sends on a stream: bytes that show their place. */
function patternOf(streamId: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 31 + (at >> 8) + streamId * 7) & 0xff;
  return bytes;
}

function respond(server: ServerUnderTest, streamId: number): void {
  server.session.sender.headers(server.stream(streamId), head, 0, 1, false);
}

/** The peer's view of the windows: judged by what it has sent and read. */
class PeerWindows {
  readonly server: ServerUnderTest;
  readonly received = new Map<number, Buffer[]>();
  readonly ended = new Set<number>();
  connection = defaultWindowBytes;
  readonly streams = new Map<number, number>();
  #initial = defaultWindowBytes;
  readonly #unacknowledged: number[] = [defaultWindowBytes];

  constructor(server: ServerUnderTest) {
    this.server = server;
  }

  open(streamId: number): void {
    this.server.open(streamId);
    this.streams.set(streamId, this.#initial);
    this.received.set(streamId, []);
    this.read();
    // SETTINGS that are on their way make the stream's window when they are acknowledged: here they are already.
    respond(this.server, streamId);
  }

  setInitial(value: number): void {
    this.#unacknowledged.push(value);
    this.server.push(initialWindow(value));
  }

  widen(streamId: number, bytes: number): void {
    const window = streamId === 0 ? this.connection : (this.streams.get(streamId) ?? 0);
    if (window + bytes > windowBytesMax) return;
    if (streamId === 0) this.connection += bytes;
    else this.streams.set(streamId, window + bytes);
    this.server.push(frame(windowUpdate, 0, streamId, word(bytes)));
  }

  /** Takes what has left, and judges it. */
  read(): void {
    for (const line of this.server.sent()) {
      if (line === 'SETTINGS ACK') this.#acknowledged();
      const [, id, hex, , end] = /^DATA (\d+) (\S+) counts (\d+)( END)?$/.exec(line) ?? [];
      if (id !== undefined && hex !== undefined) this.#take(Number(id), hex === 'empty' ? '' : hex, end !== undefined);
      const [, endedId] = /^HEADERS (\d+) \S* END$/.exec(line) ?? [];
      if (endedId !== undefined) this.ended.add(Number(endedId));
    }
  }

  #acknowledged(): void {
    const value = this.#unacknowledged.shift() ?? this.#initial;
    for (const [id, window] of this.streams) this.streams.set(id, window + value - this.#initial);
    this.#initial = value;
  }

  #take(streamId: number, hex: string, ends: boolean): void {
    assert.ok(!this.ended.has(streamId), 'nothing follows END_STREAM');
    const bytes = Buffer.from(hex, 'hex');
    this.connection -= bytes.length;
    const window = (this.streams.get(streamId) ?? 0) - bytes.length;
    this.streams.set(streamId, window);
    if (bytes.length > 0) assert.ok(this.connection >= 0 && window >= 0, `windows: ${this.connection}, ${window}`);
    this.received.get(streamId)?.push(bytes);
    if (ends) this.ended.add(streamId);
  }
}

describe('a session sends a body', () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('content' as const),
      id: fc.nat({ max: 3 }),
      bytes: fc.integer({ min: 1, max: 90_000 }),
    }),
    fc.record({
      kind: fc.constant('widen' as const),
      id: fc.nat({ max: 4 }),
      bytes: fc.integer({ min: 1, max: 60_000 }),
    }),
    fc.record({ kind: fc.constant('initial' as const), bytes: fc.constantFrom(0, 1, 100, 16_384, 65_535, 200_000) }),
    fc.record({ kind: fc.constantFrom('busy' as const, 'free' as const, 'turn' as const) }),
    fc.record({
      kind: fc.constant('priority' as const),
      id: fc.nat({ max: 3 }),
      value: fc.constantFrom('u=0', 'i', 'u=7, i'),
    }),
  );

  it('never more than both windows, never lost, never in another order, whatever the peer does with them', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (program) => {
        const server = new ServerUnderTest();
        const peer = new PeerWindows(server);
        const given = new Map<number, number>();
        for (const id of [1, 3, 5, 7]) {
          peer.open(id);
          given.set(id, 0);
        }
        const idOf = (index: number): number => 2 * index + 1;
        const give = (id: number, bytes: number): void => {
          const before = given.get(id) ?? 0;
          given.set(id, before + bytes);
          const whole = patternOf(id, before + bytes);
          // Borrowed bytes change as soon as the call is over.
          const borrowed = Buffer.from(whole.subarray(before));
          server.session.sender.body(server.stream(id), borrowed, 0, bytes, 'borrowed');
          borrowed.fill(0xdb);
        };
        for (const one of program) {
          if (one.kind === 'content') give(idOf(one.id), one.bytes);
          else if (one.kind === 'widen') peer.widen(one.id === 4 ? 0 : idOf(one.id), one.bytes);
          else if (one.kind === 'initial') peer.setInitial(one.bytes);
          else if (one.kind === 'busy') server.transport.isBusy = true;
          else if (one.kind === 'free') server.transport.release(() => server.session.sender.onWritten());
          else if (one.kind === 'priority')
            server.push(frame(priorityUpdate, 0, 0, Buffer.concat([word(idOf(one.id)), Buffer.from(one.value)])));
          else server.transport.endTurn();
          peer.read();
        }
        assert.equal(server.failed, null);
        for (const id of given.keys()) server.session.sender.end(server.stream(id), null);
        for (let round = 0; round < 100 && peer.ended.size < 4; round++) {
          server.transport.release(() => server.session.sender.onWritten());
          server.transport.endTurn();
          peer.read();
          peer.widen(0, 500_000);
          for (const id of given.keys()) if (!peer.ended.has(id)) peer.widen(id, 500_000);
          server.transport.endTurn();
          peer.read();
        }
        for (const [id, bytes] of given) {
          assert.ok(peer.ended.has(id), `stream ${id} has ended`);
          assert.ok(Buffer.concat(peer.received.get(id) ?? []).equals(patternOf(id, bytes)), `stream ${id} is whole`);
          assert.ok(server.logs.get(id)?.allSent, 'its owner knows');
        }
        assert.equal(server.session.streamsOpen, 4, 'their owner closes them');
      }),
      { numRuns: 300 },
    );
  });

  it('asks its source to wait, and to go on once all has left', () => {
    const server = new ServerUnderTest();
    const log = server.open(1);
    respond(server, 1);
    const bytes = patternOf(1, defaultWindowBytes + 1);
    assert.equal(server.session.sender.body(server.stream(1), bytes, 0, bytes.length, 'owned'), false);
    server.transport.endTurn();
    assert.equal(log.rooms, 0);
    server.push(frame(windowUpdate, 0, 1, word(1)), frame(windowUpdate, 0, 0, word(1)));
    assert.equal(log.rooms, 1);
    assert.match(server.sent().at(-1) ?? '', /^DATA 1 \S\S counts 1$/);
    assert.equal(server.session.sender.body(server.stream(1), bytes, 0, 0, 'owned'), true);
  });

  it('of one urgency in turns, where all can be used in parts', () => {
    const server = new ServerUnderTest();
    const ids = [1, 3, 5, 7];
    for (const id of ids) {
      server.open(id);
      server.stream(id).prioritize('i');
      respond(server, id);
    }
    server.transport.endTurn();
    server.sent();
    server.transport.isBusy = true;
    server.push(frame(ping, 0, 0, '12345678'));
    for (const id of ids) server.session.sender.body(server.stream(id), patternOf(id, 60_000), 0, 60_000, 'owned');
    server.push(frame(windowUpdate, 0, 0, word(1_000_000)));
    server.transport.release(() => server.session.sender.onWritten());
    server.transport.endTurn();
    const first = server
      .sent()
      .map((line) => /^DATA (\d+)/.exec(line)?.[1])
      .filter((id) => id !== undefined);
    assert.deepEqual(first.slice(0, 8), ['1', '3', '5', '7', '1', '3', '5', '7']);
  });

  it('with END_STREAM in its last frame, if that has not left yet', () => {
    const server = new ServerUnderTest();
    server.open(1);
    server.transport.endTurn();
    server.sent();
    respond(server, 1);
    server.session.sender.end(server.stream(1), null);
    server.transport.endTurn();
    assert.deepEqual(server.sent(), ['HEADERS 1 88 END']);
  });

  it('and trailers behind all of it, with the table update that the peer has asked for since', () => {
    const server = new ServerUnderTest();
    server.open(1);
    respond(server, 1);
    const bytes = patternOf(1, 70_000);
    server.session.sender.body(server.stream(1), bytes, 0, bytes.length, 'owned');
    server.session.sender.end(server.stream(1), Buffer.from('\0\x01a\x01b', 'latin1'));
    server.push(frame(settings, 0, 0, Buffer.concat([Buffer.of(0, settingIds.headerTableSize), word(0)])));
    server.sent();
    server.push(frame(windowUpdate, 0, 0, word(10_000)), frame(windowUpdate, 0, 1, word(10_000)));
    assert.equal(server.sent().at(-1), 'HEADERS 1 200001610162 END');
    assert.equal(server.session.sender.mustShrinkTable, false);
  });

  it('and does not say that a stream has been sent that was reset before', () => {
    const server = new ServerUnderTest();
    const log = server.open(1);
    server.transport.isBusy = true;
    respond(server, 1);
    server.session.sender.end(server.stream(1), null);
    server.transport.endTurn();
    server.push(frame(rstStream, 0, 1, word(8)));
    server.transport.release(() => server.session.sender.onWritten());
    assert.equal(log.allSent, false);
  });

  it('and no END_STREAM on a stream that was reset', () => {
    const server = new ServerUnderTest();
    server.open(1);
    respond(server, 1);
    const bytes = patternOf(1, 70_000);
    server.session.sender.body(server.stream(1), bytes, 0, bytes.length, 'owned');
    server.session.sender.end(server.stream(1), null);
    server.transport.endTurn();
    server.sent();
    server.push(frame(rstStream, 0, 1, word(8)), frame(windowUpdate, 0, 0, word(100_000)));
    assert.deepEqual(server.sent(), []);
    assert.deepEqual(server.logs.get(1)?.loss, { by: 'peer', code: 8 });
    assert.deepEqual(server.closed, [1]);
  });

  it('and tells its owner where the connection takes no more', () => {
    const server = new ServerUnderTest();
    let congested = 0;
    Object.assign(server, { onCongested: () => congested++ });
    server.transport.isBusy = true;
    server.push(frame(ping, 0, 0, '12345678'));
    assert.equal(congested, 1);
    const room = Math.ceil(h2Limits.unreadBytesMax / 30_000);
    for (let count = 0; count < room; count++) {
      const id = 2 * count + 1;
      server.open(id);
      assert.equal(server.session.sender.isOverfull, false);
      server.session.sender.headers(server.stream(id), Buffer.alloc(30_000), 0, 30_000, false);
    }
    assert.equal(server.session.sender.isOverfull, true);
    server.transport.release(() => server.session.sender.onWritten());
    assert.equal(server.session.sender.isOverfull, false);
  });
});

describe('a session reads at once', () => {
  const request = (streamId: number): Buffer => frame(headers, endHeaders | endStream, streamId, '\0\x01a\x01b');
  const rows: readonly (readonly [frames: string, headersCost: number, requests: number])[] = [
    ['four requests', h2Limits.headersCost, 4],
    ['one where each costs a whole slice', h2Limits.sliceCostMax, 1],
  ];
  for (const [what, headersCost, requests] of rows)
    it(what, () => {
      const server = new ServerUnderTest();
      const bytes = Buffer.concat([1, 3, 5, 7, 9].map(request));
      const at = server.session.receive(bytes, 0, bytes.length, headersCost);
      assert.equal(at, requests * request(1).length);
      assert.equal(server.streams.size, requests);
    });
});

describe('a session takes a body', () => {
  const part = fc.record({
    index: fc.nat({ max: 3 }),
    bytes: fc.nat({ max: 16_000 }),
    pad: fc.option(fc.nat({ max: 255 }), { nil: null }),
    then: fc.constantFrom('consume' as const, 'keep' as const, 'reset' as const, 'peer-resets' as const),
  });

  it('and gives every byte back to the windows, however its streams end', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 120 }), (program) => {
        const server = new ServerUnderTest();
        let connection = defaultWindowBytes;
        let next = 1;
        const streams = new Map<number, { id: number; window: number; kept: number }>();
        const read = (): void => {
          for (const line of server.sent()) {
            const [, id, bytes] = /^WINDOW_UPDATE (\d+) (\d+)$/.exec(line) ?? [];
            if (id === '0') connection += Number(bytes);
            for (const stream of streams.values()) if (String(stream.id) === id) stream.window += Number(bytes);
          }
        };
        read();
        assert.equal(connection, h2Limits.connectionWindowBytes);
        for (const { index, bytes, pad, then } of program) {
          let stream = streams.get(index);
          if (stream === undefined) {
            stream = { id: next, window: h2Limits.firstWindowBytes, kept: 0 };
            next += 2;
            server.open(stream.id, false);
            streams.set(index, stream);
          }
          const counted = bytes + (pad === null ? 0 : pad + 1);
          read();
          if (counted <= stream.window && counted <= connection) {
            const payload = Buffer.concat([
              pad === null ? Buffer.alloc(0) : Buffer.of(pad),
              Buffer.alloc(bytes + (pad ?? 0)),
            ]);
            stream.window -= counted;
            connection -= counted;
            server.push(frame(data, pad === null ? 0 : padded, stream.id, payload));
            stream.kept += bytes;
          }
          const own = server.stream(stream.id);
          if (then === 'consume') {
            server.session.windows.consume(own, stream.kept);
            stream.kept = 0;
          } else if (then !== 'keep') {
            if (then === 'reset') server.session.reset(own, 'CANCEL');
            else server.push(frame(rstStream, 0, stream.id, word(8)));
            streams.delete(index);
          }
          server.transport.endTurn();
          read();
          assert.equal(server.failed, null);
          assert.ok(connection <= h2Limits.connectionWindowBytes);
          for (const { window } of streams.values()) assert.ok(window <= h2Limits.windowBytes);
        }
        for (const { id, kept } of streams.values()) server.session.windows.consume(server.stream(id), kept);
        server.transport.endTurn();
        read();
        assert.ok(connection * 2 > h2Limits.connectionWindowBytes, `${connection} bytes of the connection are left`);
        for (const { window } of streams.values())
          assert.ok(window * 2 > h2Limits.firstWindowBytes, `${window} bytes of a stream are left`);
      }),
      { numRuns: 200 },
    );
  });

  it('and widens the window of a stream whose body is wanted, once', () => {
    const server = new ServerUnderTest();
    server.open(1, false);
    server.sent();
    server.session.windows.widen(server.stream(1));
    server.session.windows.widen(server.stream(1));
    server.transport.endTurn();
    assert.deepEqual(server.sent(), [`WINDOW_UPDATE 1 ${h2Limits.windowBytes - h2Limits.firstWindowBytes}`]);
  });

  it('and forgets nothing that a thousand streams leave behind', () => {
    const server = new ServerUnderTest();
    const ways: readonly ((id: number) => void)[] = [
      (id) => server.session.reset(server.stream(id), 'CANCEL'),
      (id) => server.push(frame(rstStream, 0, id, word(8))),
      (id) => {
        server.session.reset(server.stream(id), 'CANCEL');
        server.push(frame(data, 0, id, Buffer.alloc(16_000)));
      },
      (id) => {
        server.session.windows.consume(server.stream(id), 10_000);
        server.session.reset(server.stream(id), 'CANCEL');
      },
    ];
    for (let count = 0; count < 1000; count++) {
      const id = 2 * count + 1;
      server.open(id, false);
      server.push(frame(data, padded, id, Buffer.concat([Buffer.of(255), Buffer.alloc(10_000 + 255)])));
      ways[count % ways.length]?.(id);
      server.now += 100;
      server.transport.endTurn();
    }
    assert.equal(server.failed, null);
    const updates = server.sent().flatMap((line) => /^WINDOW_UPDATE 0 (\d+)$/.exec(line)?.[1] ?? []);
    const given = updates.reduce((sum, bytes) => sum + Number(bytes), defaultWindowBytes);
    const taken = 1000 * (10_000 + 256) + 250 * 16_000;
    assert.ok(given - taken > h2Limits.connectionWindowBytes / 2, `${given - taken} bytes are left`);
    assert.ok(given - taken <= h2Limits.connectionWindowBytes);
  });

  it('and gives the padding of a stream back to it', () => {
    const server = new ServerUnderTest();
    server.open(1, false);
    for (let count = 0; count < 1000; count++) {
      server.push(frame(data, padded, 1, Buffer.concat([Buffer.of(255), Buffer.alloc(256)])));
      server.session.windows.consume(server.stream(1), 1);
    }
    assert.equal(server.failed, null);
    assert.equal(server.stream(1).unconsumedBytes, 0);
  });

  it('but not more than the windows', () => {
    const server = new ServerUnderTest();
    server.open(1, false);
    for (let count = 0; count < 4; count++) server.push(frame(data, 0, 1, Buffer.alloc(16_000)));
    server.sent();
    server.push(frame(data, 0, 1, Buffer.alloc(1536)));
    assert.deepEqual(server.sent(), [`RST_STREAM 1 ${errorNumber('FLOW_CONTROL_ERROR')}`]);
    assert.deepEqual(server.logs.get(1)?.loss, {
      by: 'rule',
      why: 'more content than its window',
      rule: 'http2-stream',
      code: 'FLOW_CONTROL_ERROR',
    });
  });

  it('and as much as was announced', () => {
    for (const [bytes, ends, why] of [
      [3, false, 'more content than Content-Length'],
      [1, true, 'less content than Content-Length'],
    ] as const) {
      const server = new ServerUnderTest();
      server.open(1, false);
      server.stream(1).bodyExpected = 2;
      server.push(frame(data, ends ? endStream : 0, 1, Buffer.alloc(bytes)));
      assert.deepEqual(server.logs.get(1)?.loss, {
        by: 'rule',
        why,
        rule: 'content-length-mismatch',
        code: 'PROTOCOL_ERROR',
      });
      assert.equal(server.logs.get(1)?.peerEnded, false);
    }
  });
});

describe('a session', () => {
  it('refuses streams above its limit, and serves again when one has ended', () => {
    const server = new ServerUnderTest();
    for (let count = 0; count < h2Limits.streamsMax; count++) server.open(2 * count + 1);
    const next = 2 * h2Limits.streamsMax + 1;
    server.sent();
    server.push(frame(headers, endHeaders | endStream, next, '\0\x01a\x01b'));
    assert.deepEqual(server.sent(), [`RST_STREAM ${next} ${errorNumber('REFUSED_STREAM')}`]);
    server.session.reset(server.stream(1), 'CANCEL');
    server.open(next + 2);
  });

  for (const [when, acknowledges, refusedMax] of [
    ['after the client has acknowledged how many it may open', true, 50],
    ['before that, so that a client which acknowledges nothing is bounded too', false, 1050],
  ] as const)
    it(`ends when it has refused more than ${refusedMax} streams ${when}`, () => {
      const server = new ServerUnderTest();
      if (acknowledges) server.push(frame(settings, ack, 0));
      for (let count = 0; count < h2Limits.streamsMax + refusedMax; count++)
        server.push(frame(headers, endHeaders | endStream, 2 * count + 1, '\0\x01a\x01b'));
      assert.deepEqual([server.failed, server.session.streamsOpen], [null, h2Limits.streamsMax]);
      assert.equal(server.sent().filter((line) => line.startsWith('RST_STREAM')).length, refusedMax);
      assert.notEqual(server.session.strain, 'none', 'and is strained meanwhile');
      server.push(frame(headers, endHeaders | endStream, 9999, '\0\x01a\x01b'));
      assert.match(server.failed ?? '', /\(errors\)$/);
    });

  it('passes over what comes on streams that it has reset', () => {
    const server = new ServerUnderTest();
    server.open(1, false);
    server.session.reset(server.stream(1), 'CANCEL');
    server.transport.endTurn();
    server.sent();
    server.push(
      frame(data, 0, 1, 'abc'),
      frame(headers, endHeaders | endStream, 1),
      frame(windowUpdate, 0, 1, word(1)),
    );
    assert.deepEqual(server.sent(), []);
    assert.equal(server.failed, null);
  });

  it('says GOAWAY twice: nobody is refused between, and those behind the second are passed over', () => {
    const server = new ServerUnderTest();
    server.open(1);
    server.sent();
    server.session.announceGoAway();
    server.session.ping();
    server.transport.endTurn();
    assert.deepEqual(server.sent(), ['GOAWAY 2147483647 0 ', 'PING 63616e646f720000']);
    server.open(3);
    server.push(frame(ping, ack, 0, 'candor\0\0'));
    assert.equal(server.pongs, 1);
    server.session.goAway();
    server.session.goAway();
    server.push(frame(headers, endHeaders | endStream, 5, '\0\x01a\x01b'), frame(rstStream, 0, 5, word(8)));
    assert.deepEqual(server.sent(), ['GOAWAY 3 0 ']);
    assert.equal(server.session.streamsOpen, 2);
    assert.equal(server.streams.has(5), false);
    assert.equal(server.failed, null);
  });

  it('takes back none of the streams that a GOAWAY has passed over, when it ends by an error', () => {
    const server = new ServerUnderTest();
    server.open(1);
    server.session.goAway();
    server.push(frame(headers, endHeaders | endStream, 3, '\0\x01a\x01b'));
    server.sent();
    server.push(frame(goAway, 0, 1, Buffer.alloc(8)));
    server.session.goAway();
    server.transport.endTurn();
    assert.deepEqual(server.sent(), ['GOAWAY 1 1 GOAWAY with a stream']);
  });

  it('tells a stream of its loss before its owner hears that it is closed', () => {
    const server = new ServerUnderTest();
    const lossesKnown: unknown[] = [];
    server.onStreamClosed = ({ id }) => lossesKnown.push(server.logs.get(id)?.loss?.by);
    for (const id of [1, 3, 5]) server.open(id, false);
    server.push(frame(rstStream, 0, 1, word(8)), frame(windowUpdate, 0, 3, word(0)));
    server.session.endAll();
    assert.deepEqual(lossesKnown, ['peer', 'rule', 'connection']);
  });

  it('ends with all its streams, each once', () => {
    const server = new ServerUnderTest();
    server.open(1);
    server.open(3, false);
    server.push(frame(goAway, 0, 1, Buffer.alloc(8)));
    assert.equal(server.failed, 'PROTOCOL_ERROR: GOAWAY with a stream');
    assert.deepEqual(server.logs.get(1)?.loss, { by: 'connection' });
    assert.deepEqual(server.closed, [1, 3]);
    server.push(frame(ping, 0, 0, '12345678'));
    assert.equal(server.sent().at(-1), `GOAWAY 3 1 GOAWAY with a stream`);
  });

  it('keeps the decoder in step with blocks of streams that have ended', () => {
    const server = new ServerUnderTest();
    server.open(1, false);
    server.session.reset(server.stream(1), 'CANCEL');
    // A literal with incremental indexing, then its index.
    server.push(
      frame(headers, endHeaders | endStream, 1, '\x40\x01a\x01b'),
      frame(headers, endHeaders | endStream, 3, '\xbe'),
    );
    assert.equal(server.failed, null);
    assert.ok(server.streams.has(3));
  });

  const floods: readonly (readonly [limit: string, count: number, one: (turn: number) => Buffer])[] = [
    ['settings', 25, () => frame(settings, 0, 0)],
    ['pings', 60, () => frame(ping, 0, 0, '12345678')],
    ['priorities', 510, () => frame(frameTypes.priority, 0, 1, Buffer.alloc(5))],
    ['empty_frames', 60, () => frame(data, 0, 1)],
    ['window_updates', 1010, () => frame(windowUpdate, 0, 0, word(1))],
    [
      'errors',
      110,
      (turn) =>
        Buffer.concat([
          frame(headers, endHeaders, 2 * turn + 3, '\0\x01a\x01b'),
          frame(windowUpdate, 0, 2 * turn + 3, word(0)),
        ]),
    ],
    [
      'resets',
      210,
      (turn) =>
        Buffer.concat([
          frame(headers, endHeaders, 2 * turn + 3, '\0\x01a\x01b'),
          frame(rstStream, 0, 2 * turn + 3, word(8)),
        ]),
    ],
  ];
  for (const [limit, count, one] of floods)
    it(`ends at too many ${limit}, by that name`, () => {
      const server = new ServerUnderTest();
      server.open(1, false);
      let turn = 0;
      while (server.failed === null && turn < count) server.push(one(turn++));
      assert.equal(server.failed, `ENHANCE_YOUR_CALM: too many: ${limit.replaceAll('_', ' ')} (${limit})`);
      assert.match(server.sent().at(-1) ?? '', /^GOAWAY \d+ 11 too many/);
    });

  it('does not take windows of a byte for lawful', () => {
    const server = new ServerUnderTest();
    server.push(initialWindow(0));
    server.open(1);
    respond(server, 1);
    const bytes = patternOf(1, 50_000);
    server.session.sender.body(server.stream(1), bytes, 0, bytes.length, 'owned');
    for (let turn = 0; turn < 1200 && server.failed === null; turn++) server.push(frame(windowUpdate, 0, 1, word(1)));
    assert.match(server.failed ?? '', /window_updates/);
  });

  it('takes any number of WINDOW_UPDATE for a body that it sends', () => {
    const server = new ServerUnderTest();
    server.open(1);
    respond(server, 1);
    const bytes = patternOf(1, 16_384);
    for (let turn = 0; turn < 3000; turn++) {
      server.session.sender.body(server.stream(1), bytes, 0, bytes.length, 'owned');
      server.push(frame(windowUpdate, 0, 1, word(16_384)), frame(windowUpdate, 0, 0, word(16_384)));
    }
    assert.equal(server.failed, null);
  });

  it('sends one frame for the windows that were opened in one read', () => {
    const server = new ServerUnderTest();
    server.push(initialWindow(0));
    server.open(1);
    respond(server, 1);
    const bytes = patternOf(1, 100);
    server.session.sender.body(server.stream(1), bytes, 0, bytes.length, 'owned');
    server.push();
    server.sent();
    server.push(...Array.from({ length: 10 }, () => frame(windowUpdate, 0, 1, word(1))));
    assert.deepEqual(server.sent(), [`DATA 1 ${bytes.subarray(0, 10).toString('hex')} counts 10`]);
  });

  it('delivers no body of which the same frame shows that it is too short or too long', () => {
    for (const [expected, body] of [
      [3, 'much too long'],
      [100, 'short'],
    ] as const) {
      const server = new ServerUnderTest();
      const log = server.open(1, false);
      server.stream(1).bodyExpected = expected;
      server.push(frame(data, endStream, 1, body));
      assert.deepEqual([log.body.length, log.loss?.by, log.peerEnded], [0, 'rule', false]);
    }
  });

  it('takes the acknowledgements that are due, and counts all others', () => {
    const server = new ServerUnderTest();
    server.session.ping();
    server.push(frame(settings, ack, 0), frame(ping, ack, 0, 'candor\0\0'));
    assert.equal(server.pongs, 1);
    const undue = Array.from({ length: 50 }, () => [frame(settings, ack, 0), frame(ping, ack, 0, 'candor\0\0')]);
    server.push(...undue.flat());
    assert.deepEqual([server.pongs, server.failed, server.session.strain], [1, null, 'near_limit']);
    server.push(frame(0xbe, 0, 0));
    assert.match(server.failed ?? '', /ignored_frames/);
  });

  /** A block of one literal of `bytes` bytes that enters the table, and of `times` references to it. */
  function repeating(bytes: number, times: number): Buffer {
    const length = bytes - 127;
    const value = Buffer.of(0x7f, (length & 0x7f) | 0x80, length >> 7);
    return Buffer.concat([Buffer.of(0x40, 1, 97), value, Buffer.alloc(bytes, 'v'), Buffer.alloc(times, 0xbe)]);
  }

  const sections: readonly (readonly [what: string, block: Buffer, isBomb: boolean])[] = [
    ['of as many bytes as its block', repeating(4000, 0), false],
    ['that names each of 60 entries once', Buffer.from(Array.from({ length: 60 }, (_, index) => 0x81 + index)), false],
    ['that names an entry twice', repeating(4000, 1), false],
    ['of less than 16 KiB that names an entry again and again', repeating(200, 60), false],
    ['that names an entry again and again', repeating(1000, 100), true],
    ['that is refused where it is too large', repeating(4000, 12_000), true],
    ['that names entries of no bytes again and again', Buffer.alloc(16_000, 0x82), true],
  ];
  for (const [what, block, isBomb] of sections)
    it(`${isBomb ? 'ends at the limit hpack_bombs for sections' : 'takes any number of sections'} ${what}`, () => {
      const server = new ServerUnderTest();
      for (let turn = 0; turn < 30 && server.failed === null; turn++) {
        assert.ok(!isBomb || turn <= 10, 'it has ended');
        const id = 2 * turn + 1;
        server.push(frame(headers, endHeaders | endStream, id, block));
        if (server.failed === null) server.session.reset(server.stream(id), 'CANCEL');
        if (isBomb) assert.equal(server.failed !== null, turn === 10, `${turn}`);
      }
      if (isBomb) assert.match(server.failed ?? '', /^ENHANCE_YOUR_CALM: .*\(hpack_bombs\)$/);
      else assert.equal(server.failed, null);
    });

  it('is strained by a body that comes byte by byte, and does not end', () => {
    const strain = (bytes: number, count: number): Strain => {
      const server = new ServerUnderTest();
      server.open(1, false);
      for (let turn = 0; turn < count; turn++) {
        server.push(frame(data, 0, 1, 'x'.repeat(bytes)));
        server.session.windows.consume(server.stream(1), bytes);
      }
      assert.equal(server.failed, null);
      return server.session.strain;
    };
    assert.deepEqual(
      [strain(1, 900), strain(1, 1100), strain(4, 5000), strain(5, 5000)],
      ['none', 'costly', 'costly', 'none'],
    );
  });
});
