import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeResponse, type ExportVerdict } from './judge-response.ts';
import { decodeFields, encodeMessage } from './protobuf.ts';

const partial = encodeMessage(
  { partialSuccess: { rejected: '7', message: 'too\nold' } },
  { partialSuccess: [1, { rejected: [1, 'int64'], message: [2, 'string'] }] },
);
const statusMessage = encodeMessage({ message: 'no room' }, { message: [2, 'string'] });
const accepted = { kind: 'accepted', rejected: 0, message: '' } as const;

const cases: readonly (readonly [string, number, string, string | Uint8Array, ExportVerdict])[] = [
  ['nothing in protobuf', 200, 'application/x-protobuf', '', accepted],
  ['nothing at all', 200, '', '', accepted],
  ['an empty answer in JSON', 200, 'application/json; charset=utf-8', '{}', accepted],
  ['an answer without a partial success in JSON', 200, 'application/json', '{"partialSuccess":{}}', accepted],
  ['a partial success that is null in JSON', 200, 'application/json', '{"partialSuccess":null}', accepted],
  [
    'a partial success whose keys are null in JSON',
    200,
    'application/json',
    '{"partialSuccess":{"rejectedSpans":null,"errorMessage":null}}',
    accepted,
  ],
  ['an empty partial success in protobuf', 200, 'application/x-protobuf', Uint8Array.of(10, 0), accepted],
  [
    'a number of rejected spans in JSON, and keys of a later version',
    200,
    'application/json',
    '{"partialSuccess":{"rejectedSpans":3,"later":{}},"more":1}',
    { kind: 'accepted', rejected: 3, message: '' },
  ],
  [
    'a list as partial success in JSON',
    200,
    'application/json',
    '{"partialSuccess":[]}',
    { kind: 'refused', why: 'it answered 200 with application/json that is no answer of OTLP' },
  ],
  [
    'a partial success in protobuf',
    200,
    'application/x-protobuf',
    partial,
    { kind: 'accepted', rejected: 7, message: 'too old' },
  ],
  [
    'a partial success in JSON, the number as text',
    200,
    'application/json',
    '{"partialSuccess":{"rejectedSpans":"7","errorMessage":"too old"}}',
    { kind: 'accepted', rejected: 7, message: 'too old' },
  ],
  [
    'a page',
    200,
    'text/html',
    '<html>',
    { kind: 'refused', why: 'it answered 200 with text/html that is no answer of OTLP' },
  ],
  [
    'broken protobuf',
    200,
    'application/x-protobuf',
    Buffer.from([10, 200]),
    { kind: 'refused', why: 'it answered 200 with application/x-protobuf that is no answer of OTLP' },
  ],
  [
    'broken JSON',
    200,
    'application/json',
    '{',
    { kind: 'refused', why: 'it answered 200 with application/json that is no answer of OTLP' },
  ],
  [
    'a status with a message in JSON',
    400,
    'application/json',
    '{"message":"no room"}',
    { kind: 'refused', why: 'it answered 400: no room' },
  ],
  [
    'a status with a message in protobuf',
    429,
    'application/x-protobuf',
    statusMessage,
    { kind: 'retry', afterMs: 5000, why: 'it answered 429: no room' },
  ],
  ['a redirect', 302, 'text/html', '', { kind: 'refused', why: 'it answered 302' }],
];

for (const [what, status, contentType, body, verdict] of cases)
  test(`${status} with ${what}`, () => {
    const response = {
      status,
      contentType,
      retryAfter: status === 429 ? '5' : null,
      date: null,
      body: Buffer.from(body),
    };
    assert.deepEqual(judgeResponse(response, 'traces', 0), verdict);
  });

test('a message of a collector may be of any length and bytes', () => {
  const body = Buffer.from(JSON.stringify({ message: `\u0000\u001b${'x'.repeat(1000)}` }));
  const verdict = judgeResponse(
    { status: 400, contentType: 'application/json', retryAfter: null, date: null, body },
    'logs',
    0,
  );
  assert.equal(verdict.kind === 'refused' ? verdict.why : '', `it answered 400: ${'x'.repeat(200)}`);
});

test('no bytes make the reader of answers throw or hang', () => {
  for (let seed = 0; seed < 5000; seed += 1) {
    const bytes = Uint8Array.from({ length: seed % 24 }, (_, index) => (seed * 2_654_435_761 * (index + 7)) >>> 13);
    decodeFields(bytes);
  }
});
