import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../../test/properties.ts';
import { callsOf, callsOfParts, frame, FrameLog } from './session.test-support.ts';
import { FrameReader } from './frame-reader.ts';
import { h2Limits } from './limits.ts';
import { frameFlags, frameTypes } from './protocol.ts';

const { data, headers, priority, rstStream, settings, pushPromise, ping, goAway, windowUpdate, continuation } =
  frameTypes;
const { priorityUpdate } = frameTypes;
const { endStream, endHeaders, padded, ack } = frameFlags;
const withPriority = frameFlags.priority;

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

interface Row {
  readonly section: string;
  readonly name: string;
  readonly bytes: Buffer;
  readonly calls: readonly string[];
}

function row(section: string, name: string, bytes: Buffer | readonly Buffer[], ...calls: readonly string[]): Row {
  return { section, name, bytes: Buffer.isBuffer(bytes) ? bytes : Buffer.concat(bytes), calls };
}

const protocolError = 'connection: PROTOCOL_ERROR';
const sizeError = 'connection: FRAME_SIZE_ERROR';

const rows: readonly Row[] = [
  row(
    '4.1',
    'an unknown type is passed over',
    [frame(99, 0xff, 7, 'abc'), frame(ping, 0, 0, '12345678')],
    'PING 3132333435363738',
  ),
  row(
    '4.1',
    'the reserved bit of a stream is passed over',
    frame(rstStream, 0, 0x8000_0003, word(8)),
    'RST_STREAM 3 8',
  ),
  row('4.2', 'a frame of 16,384 bytes', frame(99, 0, 0, Buffer.alloc(16_384))),
  row('4.2', 'a frame of 16,385 bytes', frame(99, 0, 0, Buffer.alloc(16_385)), sizeError),
  row('6.1', 'DATA', frame(data, 0, 1, 'ab'), 'DATA 1 6162 counts 2'),
  row('6.1', 'DATA with END_STREAM', frame(data, endStream, 1, 'ab'), 'DATA 1 6162 counts 2 END'),
  row('6.1', 'DATA of no bytes', frame(data, 0, 1), 'DATA 1 empty counts 0'),
  row('6.1', 'DATA of no bytes with END_STREAM', frame(data, endStream, 1), 'DATA 1 empty counts 0 END'),
  row('6.1', 'DATA with padding', frame(data, padded | endStream, 1, '\x02ab\0\0'), 'DATA 1 6162 counts 5 END'),
  row('6.1', 'DATA with a padding of 0 bytes', frame(data, padded, 1, '\0ab'), 'DATA 1 6162 counts 3'),
  row('6.1', 'DATA of padding alone', frame(data, padded, 1, '\x02\0\0'), 'DATA 1 empty counts 3'),
  row(
    '6.1',
    'DATA of padding alone with END_STREAM',
    frame(data, padded | endStream, 1, '\0'),
    'DATA 1 empty counts 1 END',
  ),
  row('6.1', 'padding that leaves a byte', frame(data, padded, 1, '\x02a\0\0'), 'DATA 1 61 counts 4'),
  row('6.1', 'padding as long as the rest', frame(data, padded, 1, '\x04ab\0'), protocolError),
  row('6.1', 'padding without its length', frame(data, padded, 1), protocolError),
  row('6.1', 'DATA without a stream', frame(data, 0, 0, 'a'), protocolError),
  row('6.2', 'HEADERS', frame(headers, endHeaders, 1, 'ab'), 'HEADERS 1 6162'),
  row('6.2', 'HEADERS of no bytes', frame(headers, endHeaders, 1), 'HEADERS 1 '),
  row(
    '6.2',
    'HEADERS with padding, priority and END_STREAM',
    frame(
      headers,
      endHeaders | endStream | padded | withPriority,
      1,
      Buffer.concat([Buffer.of(2), word(0x8000_0007), Buffer.from('\x10ab\0\0')]),
    ),
    'HEADERS 1 6162 depends on 7 END',
  ),
  row('6.2', 'HEADERS of padding alone', frame(headers, endHeaders | padded, 1, '\x02\0\0'), 'HEADERS 1 '),
  row(
    '6.2',
    'HEADERS with padding longer than the payload',
    frame(headers, endHeaders | padded, 1, '\x03\0\0'),
    protocolError,
  ),
  row('6.2', 'HEADERS without the length of their padding', frame(headers, endHeaders | padded, 1), sizeError),
  row('6.2', 'HEADERS shorter than their priority', frame(headers, endHeaders | withPriority, 1, '1234'), sizeError),
  row('6.2', 'HEADERS without a stream', frame(headers, endHeaders, 0, 'a'), protocolError),
  row('6.3', 'PRIORITY', frame(priority, 0, 5, Buffer.alloc(5)), 'PRIORITY 5'),
  row('6.3', 'PRIORITY without a stream', frame(priority, 0, 0, Buffer.alloc(5)), protocolError),
  row('6.3', 'PRIORITY of 4 bytes', frame(priority, 0, 5, Buffer.alloc(4)), 'stream 5: FRAME_SIZE_ERROR'),
  row(
    '6.3',
    'PRIORITY that depends on its stream',
    frame(priority, 0, 5, Buffer.concat([word(5), Buffer.alloc(1)])),
    'stream 5: PROTOCOL_ERROR',
  ),
  row('6.4', 'RST_STREAM', frame(rstStream, 0, 5, word(0xffff_ffff)), 'RST_STREAM 5 4294967295'),
  row('6.4', 'RST_STREAM without a stream', frame(rstStream, 0, 0, word(8)), protocolError),
  row('6.4', 'RST_STREAM of 5 bytes', frame(rstStream, 0, 5, Buffer.alloc(5)), sizeError),
  row(
    '6.5',
    'SETTINGS',
    frame(settings, 0, 0, Buffer.from('000400000064000500004000', 'hex')),
    'SETTING 4 100',
    'SETTING 5 16384',
    'SETTINGS',
  ),
  row('6.5', 'an acknowledgement', frame(settings, ack, 0), 'SETTINGS ACK'),
  row('6.5', 'an acknowledgement with settings', frame(settings, ack, 0, Buffer.alloc(6)), sizeError),
  row('6.5', 'SETTINGS with a stream', frame(settings, 0, 1), protocolError),
  row('6.5', 'a part of a setting', frame(settings, 0, 0, Buffer.alloc(7)), sizeError),
  row('6.5.2', 'ENABLE_PUSH of 2', frame(settings, 0, 0, Buffer.from('000200000002', 'hex')), protocolError),
  row(
    '6.5.2',
    'ENABLE_CONNECT_PROTOCOL of 2',
    frame(settings, 0, 0, Buffer.from('000800000002', 'hex')),
    protocolError,
  ),
  row(
    '6.5.2',
    'INITIAL_WINDOW_SIZE of 2^31 - 1',
    frame(settings, 0, 0, Buffer.from('00047fffffff', 'hex')),
    'SETTING 4 2147483647',
    'SETTINGS',
  ),
  row(
    '6.5.2',
    'INITIAL_WINDOW_SIZE of 2^31',
    frame(settings, 0, 0, Buffer.from('000480000000', 'hex')),
    'connection: FLOW_CONTROL_ERROR',
  ),
  row('6.5.2', 'MAX_FRAME_SIZE of 16,383', frame(settings, 0, 0, Buffer.from('000500003fff', 'hex')), protocolError),
  row(
    '6.5.2',
    'MAX_FRAME_SIZE of 2^24 - 1',
    frame(settings, 0, 0, Buffer.from('000500ffffff', 'hex')),
    'SETTING 5 16777215',
    'SETTINGS',
  ),
  row('6.5.2', 'MAX_FRAME_SIZE of 2^24', frame(settings, 0, 0, Buffer.from('000501000000', 'hex')), protocolError),
  row(
    '6.5.2',
    'nothing behind a setting that is forbidden',
    [frame(settings, 0, 0, Buffer.from('000200000002000400000001', 'hex')), frame(ping, 0, 0, '12345678')],
    protocolError,
  ),
  row('6.6', 'PUSH_PROMISE', frame(pushPromise, endHeaders, 1, word(2)), protocolError),
  row('6.7', 'PING', frame(ping, 0, 0, '12345678'), 'PING 3132333435363738'),
  row('6.7', 'an answer', frame(ping, ack, 0, '12345678'), 'PING ACK 3132333435363738'),
  row('6.7', 'PING of 7 bytes', frame(ping, 0, 0, '1234567'), sizeError),
  row('6.7', 'PING with a stream', frame(ping, 0, 1, '12345678'), protocolError),
  row(
    '6.8',
    'GOAWAY',
    frame(goAway, 0, 0, Buffer.concat([word(7), word(11), Buffer.from('calm\n\xff!', 'latin1')])),
    'GOAWAY 7 11 calm??!',
  ),
  row(
    '6.8',
    'GOAWAY with much to say',
    frame(goAway, 0, 0, Buffer.concat([word(7), word(0), Buffer.alloc(9000, 'a')])),
    `GOAWAY 7 0 ${'a'.repeat(256)}`,
  ),
  row('6.8', 'GOAWAY with a stream', frame(goAway, 0, 1, Buffer.alloc(8)), protocolError),
  row('6.8', 'GOAWAY of 7 bytes', frame(goAway, 0, 0, Buffer.alloc(7)), sizeError),
  row(
    '6.9',
    'WINDOW_UPDATE',
    [frame(windowUpdate, 0, 0, word(1)), frame(windowUpdate, 0, 3, word(0x8000_0002))],
    'WINDOW_UPDATE 0 1',
    'WINDOW_UPDATE 3 2',
  ),
  row('6.9', 'WINDOW_UPDATE of 0 bytes', frame(windowUpdate, 0, 0, word(0)), protocolError),
  row('6.9', 'WINDOW_UPDATE of 0 bytes for a stream', frame(windowUpdate, 0, 3, word(0)), 'stream 3: PROTOCOL_ERROR'),
  row('6.9', 'WINDOW_UPDATE with 5 bytes', frame(windowUpdate, 0, 3, Buffer.alloc(5)), sizeError),
  row(
    '6.10',
    'CONTINUATION',
    [frame(headers, endStream, 1, 'a'), frame(continuation, 0, 1, 'b'), frame(continuation, endHeaders, 1, 'c')],
    'HEADERS 1 616263 END',
  ),
  row('6.10', 'CONTINUATION without HEADERS', frame(continuation, endHeaders, 1, 'c'), protocolError),
  row(
    '6.10',
    'CONTINUATION behind the end of its block',
    [frame(headers, endHeaders, 1, 'a'), frame(continuation, endHeaders, 1)],
    'HEADERS 1 61',
    protocolError,
  ),
  row(
    '6.10',
    'CONTINUATION of another stream',
    [frame(headers, 0, 1, 'a'), frame(continuation, endHeaders, 3)],
    protocolError,
  ),
  row(
    '6.10',
    'another frame within a block',
    [frame(headers, 0, 1, 'a'), frame(ping, 0, 0, '12345678')],
    protocolError,
  ),
  row('6.10', 'an unknown frame within a block', [frame(headers, 0, 1, 'a'), frame(99, 0, 1)], protocolError),
  row(
    '6.10',
    '8 CONTINUATION frames',
    [frame(headers, 0, 1), ...times(7, frame(continuation, 0, 1)), frame(continuation, endHeaders, 1)],
    'HEADERS 1 ',
  ),
  row(
    '6.10',
    '9 CONTINUATION frames',
    [frame(headers, 0, 1), ...times(9, frame(continuation, 0, 1))],
    'connection: ENHANCE_YOUR_CALM by continuations',
  ),
  row(
    '6.10',
    'a block of more than 64 KiB',
    [
      frame(headers, 0, 1, Buffer.alloc(16_384)),
      ...times(3, frame(continuation, 0, 1, Buffer.alloc(16_384))),
      frame(continuation, endHeaders, 1, 'a'),
    ],
    'connection: ENHANCE_YOUR_CALM by header_block',
  ),
  row(
    'RFC 9218 §7.1',
    'PRIORITY_UPDATE',
    frame(priorityUpdate, 0, 0, Buffer.concat([word(5), Buffer.from('u=0, i')])),
    'PRIORITY_UPDATE 5 u=0, i',
  ),
  row('RFC 9218 §7.1', 'PRIORITY_UPDATE with a stream', frame(priorityUpdate, 0, 1, word(5)), protocolError),
  row('RFC 9218 §7.1', 'PRIORITY_UPDATE for no stream', frame(priorityUpdate, 0, 0, word(0)), protocolError),
  row('RFC 9218 §7.1', 'PRIORITY_UPDATE of 3 bytes', frame(priorityUpdate, 0, 0, 'abc'), sizeError),
];

function times(count: number, bytes: Buffer): Buffer[] {
  return Array.from({ length: count }, () => bytes);
}

describe('the frame reader', () => {
  for (const { section, name, bytes, calls } of rows)
    it(`§${section}: ${name}`, () => {
      assert.deepEqual(callsOf(bytes), calls);
      for (const slice of [1, 2, 9, 10]) assert.deepEqual(callsOf(bytes, slice), calls, `in slices of ${slice}`);
    });

  it('wants SETTINGS first, and no acknowledgement', () => {
    for (const [first, expected] of [
      [frame(settings, 0, 0), 'SETTINGS'],
      [frame(settings, ack, 0), protocolError],
      [frame(ping, 0, 0, '12345678'), protocolError],
      [frame(99, 0, 0), protocolError],
    ] as const) {
      const log = new FrameLog();
      new FrameReader(log, h2Limits).push(first, 0, first.length);
      assert.deepEqual(log.calls(), [expected]);
    }
  });

  it('says nothing behind an error of the connection', () => {
    const bytes = Buffer.concat([frame(ping, 0, 1, '12345678'), frame(ping, 0, 0, '12345678')]);
    for (const slice of [1, 5, bytes.length]) assert.deepEqual(callsOf(bytes, slice), [protocolError]);
  });

  it('knows whether it is within a frame or a header block', () => {
    const reader = new FrameReader(new FrameLog(), h2Limits);
    const push = (bytes: Buffer): boolean => {
      reader.push(bytes, 0, bytes.length);
      return reader.isWithin;
    };
    assert.equal(push(frame(settings, 0, 0)), false);
    assert.equal(push(Buffer.of(0)), true);
    assert.equal(push(frame(settings, 0, 0).subarray(1)), false);
    assert.equal(push(frame(data, padded, 1, '\x01ab\0').subarray(0, 12)), true, 'its padding has not come');
    assert.equal(push(Buffer.from('\0')), false);
    assert.equal(push(frame(headers, 0, 1, 'a')), true, 'a header block');
    assert.equal(push(frame(continuation, endHeaders, 1, 'a')), false);
  });

  it('reads as many frames as it may cost, and goes on where it has stopped', () => {
    const bytes = Buffer.concat([
      frame(settings, 0, 0),
      ...Array.from({ length: 6 }, (_, index) => frame(headers, endHeaders, 2 * index + 1, 'a')),
      ...Array.from({ length: 9 }, () => frame(ping, 0, 0, '12345678')),
    ]);
    const log = new FrameLog();
    const reader = new FrameReader(log, h2Limits);
    const read: number[] = [];
    for (let at = 0; at < bytes.length; ) {
      at = reader.push(bytes, at, bytes.length, 8, 4);
      read.push(log.lines.length);
    }
    // SETTINGS and two header blocks; two, and two; eight PING; the last one.
    assert.deepEqual(read, [3, 5, 7, 15, 16]);
  });

  const anyFrame = fc
    .record({
      type: fc.oneof({ weight: 20, arbitrary: fc.integer({ min: 0, max: 16 }) }, fc.integer({ min: 0, max: 255 })),
      flags: fc.integer({ min: 0, max: 255 }),
      streamId: fc.integer({ min: 0, max: 7 }),
      payload: fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.constantFrom(4, 5, 6, 8).map((length) => Buffer.alloc(length, 1)),
        // What is held of a frame gets a larger buffer from 256 bytes on.
        fc.uint8Array({ minLength: 230, maxLength: 600 }),
      ),
    })
    .map(({ type, flags, streamId, payload }) => frame(type, flags, streamId, payload));

  it('says the same of any frames, however they are split', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 8 }), fc.integer({ min: 1, max: 30 }), (frames, slice) => {
        const bytes = Buffer.concat(frames);
        const whole = callsOf(bytes);
        assert.deepEqual(callsOf(bytes, slice), whole);
        assert.deepEqual(callsOf(bytes, 1), whole);
      }),
      { numRuns: 500 },
    );
  });

  it('says the same of any frames, wherever they are cut', () => {
    const cuts = fc.array(fc.oneof(fc.nat({ max: 9 }), fc.nat({ max: 1200 })), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(anyFrame, { minLength: 1, maxLength: 4 }), cuts, (frames, places) => {
        const bytes = Buffer.concat(frames);
        const within = places.map((at) => at % bytes.length);
        assert.deepEqual(callsOfParts(bytes, within), callsOf(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  for (const length of [246, 247, 248, 300, 5000])
    it(`reads HEADERS of ${length} bytes, cut after each byte of the frame's header`, () => {
      const payload = Buffer.from(Array.from({ length }, (_, index) => index % 251));
      const bytes = frame(headers, endHeaders, 1, payload);
      for (let cut = 1; cut <= 12; cut++)
        assert.deepEqual(callsOfParts(bytes, [cut]), [`HEADERS 1 ${payload.toString('hex')}`], `cut at ${cut}`);
    });

  it('throws for no bytes whatever', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void callsOf(Buffer.from(bytes), 7)));
  });
});
