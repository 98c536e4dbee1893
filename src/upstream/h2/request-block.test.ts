import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chunkedContent, type Framing, noContent } from '../../core/message.ts';
import type { HeaderBlockWriter } from '../../wire/h2/hpack-encoder.ts';
import { writeRequestBlock } from './request-block.ts';

function fieldsOf(method: string, framing: Framing, takesTrailers = false): readonly (readonly string[])[] {
  const fields: (readonly string[])[] = [];
  const block = {
    pseudo: (...pseudo: string[]) => void fields.push(pseudo),
    field: (name: string, value: string) => void fields.push([name, value]),
  };
  writeRequestBlock(block as unknown as HeaderBlockWriter, {
    ...{ method, scheme: 'https', authority: 'a.test', target: '/x', framing, upgrade: null, takesTrailers },
    writeFields: (sink) => sink.field('x-mine', '1'),
  });
  return fields;
}

describe("the block of a request's head", () => {
  test('begins with the pseudo-headers', () =>
    assert.deepEqual(fieldsOf('GET', noContent), [
      ['GET', 'https', 'a.test', '/x'],
      ['x-mine', '1'],
    ]));

  test('has TE for clients that take trailers', () =>
    assert.deepEqual(fieldsOf('GET', noContent, true).at(-1), ['te', 'trailers']));

  for (const [method, framing, length] of [
    ['GET', noContent, null],
    ['DELETE', noContent, null],
    ['POST', noContent, '0'],
    ['PUT', noContent, '0'],
    ['PATCH', noContent, '0'],
    ['POST', chunkedContent, null],
    ['POST', { kind: 'length', bytes: 5 }, '5'],
    ['GET', { kind: 'length', bytes: 0 }, '0'],
  ] as const)
    test(`of ${method} with framing ${framing.kind} has ${length === null ? 'no Content-Length' : `Content-Length ${length}`}`, () => {
      const found = fieldsOf(method, framing).find(([name]) => name === 'content-length')?.[1] ?? null;
      assert.equal(found, length);
    });
});
