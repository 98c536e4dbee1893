import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chunkedBody, type Framing, noBody } from '../../core/message.ts';
import type { HeaderBlockWriter } from '../../wire/h2/hpack-encoder.ts';
import { writeRequestBlock } from './request-block.ts';

function headersOf(method: string, framing: Framing, takesTrailers = false): readonly (readonly string[])[] {
  const headers: (readonly string[])[] = [];
  const block = {
    pseudo: (...pseudo: string[]) => void headers.push(pseudo),
    header: (name: string, value: string) => void headers.push([name, value]),
  };
  writeRequestBlock(block as unknown as HeaderBlockWriter, {
    ...{ method, scheme: 'https', authority: 'a.test', target: '/x', framing, upgrade: null, takesTrailers },
    writeHeaders: (sink) => sink.header('x-mine', '1'),
  });
  return headers;
}

describe("the block of a request's head", () => {
  test('begins with the pseudo-headers', () =>
    assert.deepEqual(headersOf('GET', noBody), [
      ['GET', 'https', 'a.test', '/x'],
      ['x-mine', '1'],
    ]));

  test('has TE for clients that take trailers', () =>
    assert.deepEqual(headersOf('GET', noBody, true).at(-1), ['te', 'trailers']));

  for (const [method, framing, length] of [
    ['GET', noBody, null],
    ['DELETE', noBody, null],
    ['POST', noBody, '0'],
    ['PUT', noBody, '0'],
    ['PATCH', noBody, '0'],
    ['POST', chunkedBody, null],
    ['POST', { kind: 'length', bytes: 5 }, '5'],
    ['GET', { kind: 'length', bytes: 0 }, '0'],
  ] as const)
    test(`of ${method} with framing ${framing.kind} has ${length === null ? 'no Content-Length' : `Content-Length ${length}`}`, () => {
      const found = headersOf(method, framing).find(([name]) => name === 'content-length')?.[1] ?? null;
      assert.equal(found, length);
    });
});
