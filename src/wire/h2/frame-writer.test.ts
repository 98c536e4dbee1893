import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../../test/properties.ts';
import { callsOf } from './session.test-support.ts';
import { FrameWriter } from './frame-writer.ts';

/** The composed bytes, which are given back. */
function takenFrom(writer: FrameWriter): Buffer {
  const { length } = writer;
  const bytes = writer.take();
  if (bytes === null) return Buffer.alloc(0);
  const taken = Buffer.from(bytes.subarray(0, length));
  writer.giveBack(bytes);
  return taken;
}

type Step = readonly [write: (writer: FrameWriter) => void, ...calls: readonly string[]];

const streamId = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const number = fc.integer({ min: 0, max: 0xffff_ffff });
const body = fc.uint8Array({ minLength: 1, maxLength: 300 });
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc
    .tuple(streamId, body, fc.boolean())
    .map(
      ([id, bytes, ends]): Step => [
        (writer) => writer.data(id, bytes, 0, bytes.length, ends),
        `DATA ${id} ${hexOf(bytes)} counts ${bytes.length}${ends ? ' END' : ''}`,
      ],
    ),
  fc
    .tuple(streamId, body, fc.boolean())
    .map(
      ([id, bytes, ends]): Step => [
        (writer) => writer.headers(id, bytes, 0, bytes.length, ends),
        `HEADERS ${id} ${hexOf(bytes)}${ends ? ' END' : ''}`,
      ],
    ),
  fc
    .tuple(streamId, number)
    .map(([id, code]): Step => [(writer) => writer.reset(id, code), `RST_STREAM ${id} ${code}`]),
  fc
    .array(fc.tuple(fc.integer({ min: 10, max: 65_535 }), number), { maxLength: 4 })
    .map(
      (all): Step => [
        (writer) => writer.settings(all),
        ...all.map(([id, value]) => `SETTING ${id} ${value}`),
        'SETTINGS',
      ],
    ),
  fc.constant<Step>([(writer) => writer.settingsAck(), 'SETTINGS ACK']),
  fc
    .tuple(fc.uint8Array({ minLength: 8, maxLength: 8 }), fc.boolean())
    .map(
      ([bytes, isAck]): Step => [
        (writer) => writer.ping(isAck, bytes, 0),
        `PING${isAck ? ' ACK' : ''} ${hexOf(bytes)}`,
      ],
    ),
  fc
    .tuple(fc.integer({ min: 0, max: 2 ** 31 - 1 }), number, fc.constantFrom('', 'calm', 'a'.repeat(100)))
    .map(([last, code, text]): Step => [(writer) => writer.goAway(last, code, text), `GOAWAY ${last} ${code} ${text}`]),
  fc
    .tuple(fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.integer({ min: 1, max: 2 ** 31 - 1 }))
    .map(([id, bytes]): Step => [(writer) => writer.windowUpdate(id, bytes), `WINDOW_UPDATE ${id} ${bytes}`]),
);

/** Lines of DATA of one stream in a row are one line of the log. */
function joined(lines: readonly string[]): string[] {
  const result: string[] = [];
  for (const line of lines) {
    const [, id, bytes, count, end = ''] = /^DATA (\d+) (\S+) counts (\d+)( END)?$/.exec(line) ?? [];
    const before = /^DATA (\d+) (\S+) counts (\d+)$/.exec(result.at(-1) ?? '');
    if (id !== undefined && before?.[1] === id)
      result[result.length - 1] = `DATA ${id} ${before[2]}${bytes} counts ${Number(before[3]) + Number(count)}${end}`;
    else result.push(line);
  }
  return result;
}

describe('the frame writer', () => {
  it('composes what the frame reader reads, in one buffer or several', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(steps, fc.boolean()), { maxLength: 30 }), (program) => {
        const writer = new FrameWriter();
        const parts: Buffer[] = [];
        for (const [[write], takes] of program) {
          write(writer);
          if (takes) parts.push(takenFrom(writer));
        }
        parts.push(takenFrom(writer));
        const expected = joined(program.flatMap(([[, ...calls]]) => calls));
        assert.deepEqual(callsOf(Buffer.concat(parts)), expected);
      }),
    );
  });

  it('splits a header block that is longer than a frame', () => {
    const block = Buffer.alloc(40_000, 7);
    const writer = new FrameWriter();
    writer.headers(1, block, 0, block.length, true);
    const bytes = takenFrom(writer);
    assert.deepEqual(callsOf(bytes), [`HEADERS 1 ${hexOf(block)} END`]);
    assert.equal(bytes.length, 40_000 + 3 * 9);
    assert.deepEqual(
      [4, 16_393 + 4, 2 * 16_393 + 4].map((at) => bytes[at]),
      [1, 0, 4],
      'END_STREAM is a flag of HEADERS, END_HEADERS of the last frame',
    );
  });

  it('writes a header block of no bytes', () => {
    const writer = new FrameWriter();
    writer.headers(1, Buffer.alloc(0), 0, 0, true);
    assert.deepEqual(callsOf(takenFrom(writer)), ['HEADERS 1  END']);
  });

  it('ends a stream in the frame that it has composed', () => {
    const writer = new FrameWriter();
    const at = writer.position;
    writer.data(1, Buffer.from('ab'), 0, 2, false);
    writer.settingsAck();
    writer.endStreamAt(at);
    assert.deepEqual(callsOf(takenFrom(writer)), ['DATA 1 6162 counts 2 END', 'SETTINGS ACK']);
  });

  it('counts compositions, and keeps what does not fit its first buffer', () => {
    const writer = new FrameWriter();
    const before = writer.generation;
    const large = Buffer.alloc(16_384, 1);
    for (let count = 0; count < 10; count++) writer.data(1, large, 0, large.length, false);
    assert.ok(writer.roomForData < 0);
    const bytes = takenFrom(writer);
    assert.deepEqual(callsOf(bytes), [`DATA 1 ${'01'.repeat(163_840)} counts 163840`]);
    assert.equal(writer.generation, before + 1);
    assert.equal(writer.take(), null);
  });

  it('has nothing after it was told to forget', () => {
    const writer = new FrameWriter();
    writer.settingsAck();
    writer.discard();
    assert.equal(writer.length, 0);
    assert.equal(writer.take(), null);
  });
});
