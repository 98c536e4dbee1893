import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Deadlines } from '../../core/deadline.ts';
import { createTransportPair, type MemoryTransport } from '../../testing/memory-transport.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { frame, FrameLog } from '../../wire/h2/session.test-support.ts';
import { FrameReader } from '../../wire/h2/frame-reader.ts';
import { type HeaderPair, hex, literals, TestDecoder } from '../../wire/h2/hpack.test-support.ts';
import { h2Limits } from '../../wire/h2/limits.ts';
import { clientPreface, frameFlags, frameTypes } from '../../wire/h2/protocol.ts';
import { Http2Check } from './http2-check.ts';

const { endHeaders, endStream } = frameFlags;

/** A check of `/up`, the endpoint's end of its connection, and what the check has reported. */
class CheckWorld {
  readonly clock = new SimulatedClock();
  readonly told: string[] = [];
  readonly endpoint: MemoryTransport;
  readonly check: Http2Check;
  received = Buffer.alloc(0);
  hasClosed = false;

  constructor(isSecure = false) {
    const { clock, told } = this;
    const [transport, endpoint] = createTransportPair({ clock });
    this.endpoint = endpoint;
    endpoint.listener = {
      onBytes: (bytes, start, end) => void (this.received = Buffer.concat([this.received, bytes.subarray(start, end)])),
      onEnd: () => void (this.hasClosed = true),
      onWritten() {},
      onClosed: () => void (this.hasClosed = true),
    };
    const ports = { clock, deadlines: new Deadlines(clock), onUnclassified: () => assert.fail() };
    this.check = new Http2Check(transport, '10.0.0.1:80', ports, {
      onAnswer: ({ status }) => void told.push(`answer ${status}`),
      onAnswerBody: (bytes, start, end) =>
        void told.push(`content ${Buffer.from(bytes.subarray(start, end)).toString()}`),
      onAnswerEnd: () => void told.push('end'),
      onAnswerFailed: ({ cause }) => void told.push(`failed ${cause}`),
    });
    const headers = [['X-Probe', 'Yes']] as const;
    this.check.begin({ path: '/up', authority: 'app.test', userAgent: 'candor', headers, isSecure }, 2000);
    clock.advanceSync(5);
  }

  answers(...frames: readonly Buffer[]): void {
    for (const bytes of frames) this.endpoint.write(bytes, 0, bytes.length, 'owned');
    this.clock.advanceSync(5);
  }

  /** The frames that the endpoint has got. */
  get frames(): readonly string[] {
    const log = new FrameLog();
    const reader = new FrameReader(log, h2Limits);
    assert.ok(this.received.subarray(0, clientPreface.length).equals(Buffer.from(clientPreface)));
    reader.push(this.received, clientPreface.length, this.received.length);
    return log.calls();
  }
}

function head(status: string, flags = 0, ...headers: readonly HeaderPair[]): Buffer {
  return frame(frameTypes.headers, endHeaders | flags, 1, literals([':status', status], ...headers));
}

function body(text: string, flags = 0): Buffer {
  return frame(frameTypes.data, flags, 1, text);
}

const settings = frame(frameTypes.settings, 0, 0);

describe('a health check over HTTP/2', () => {
  for (const [isSecure, scheme] of [
    [false, 'http'],
    [true, 'https'],
  ] as const)
    test(`is one GET without content, by ${scheme}, with the headers of the check`, () => {
      const [requests, ...more] = new CheckWorld(isSecure).frames.filter((line) => line.startsWith('HEADERS'));
      const [, stream, block = '', end] = requests?.split(' ') ?? [];
      assert.deepEqual([stream, end, more], ['1', 'END', []]);
      assert.deepEqual(new TestDecoder().decode(hex(block)), [
        [':method', 'GET'],
        [':scheme', scheme],
        [':authority', 'app.test'],
        [':path', '/up'],
        ['user-agent', 'candor'],
        ['accept', '*/*'],
        ['x-probe', 'Yes'],
      ]);
    });

  const goAway = frame(frameTypes.goAway, 0, 0, Buffer.from([0, 0, 0, 0, 0, 0, 0, 11]));
  const answers: readonly (readonly [name: string, frames: readonly Buffer[], told: readonly string[]])[] = [
    ['a head alone', [settings, head('204', endStream)], ['answer 204', 'end']],
    ['a head and content', [settings, head('200'), body('fine', endStream)], ['answer 200', 'content fine', 'end']],
    ['an interim response before it', [settings, head('103'), head('200', endStream)], ['answer 200', 'end']],
    ['a status that is no success', [settings, head('503', endStream)], ['answer 503', 'end']],
    [
      'a reset',
      [settings, frame(frameTypes.rstStream, 0, 1, Buffer.from([0, 0, 0, 2]))],
      ['failed reset_before_response'],
    ],
    ['GOAWAY without serving it', [settings, goAway], ['failed stream_refused']],
    [
      'a content shorter than its length',
      [settings, head('200', 0, ['content-length', '9']), body('x', endStream)],
      ['answer 200', 'failed response_body_short'],
    ],
    ['HTTP/1.1', [Buffer.from('HTTP/1.1 200 OK\r\n\r\n')], ['failed response_not_http2']],
  ];
  for (const [name, frames, told] of answers)
    test(`reports ${name}: ${told.join(', ')}`, () => {
      const world = new CheckWorld();
      world.answers(...frames);
      assert.deepEqual(world.told, told);
      world.check.close();
    });

  test('closes its connection and reports nothing more when it is closed', () => {
    const world = new CheckWorld();
    world.check.close();
    world.answers(settings, head('200', endStream));
    assert.deepEqual([world.told, world.hasClosed], [[], true]);
  });
});
