import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { endRequest, record, stderr, stdout } from './fastcgi-server.test-support.ts';
import { FastCgiReader, recordTypes } from './fastcgi-reader.ts';

/** What a reader makes of these bytes, read in parts of these lengths (the last again and again). */
function read(bytes: Uint8Array, lengths: readonly number[] = [bytes.length || 1]) {
  const found = { output: '', errorText: '', ends: [] as string[] };
  const text = (part: Uint8Array, start: number, end: number) =>
    Buffer.from(part.subarray(start, end)).toString('latin1');
  const reader = new FastCgiReader({
    onOutput: (part, start, end) => void (found.output += text(part, start, end)),
    onErrorText: (part, start, end) => void (found.errorText += text(part, start, end)),
    onRequestEnd: (status) => void found.ends.push(status),
  });
  reader.begin();
  let consumed = 0;
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const end = Math.min(bytes.length, at + (lengths[Math.min(index, lengths.length - 1)] as number));
    consumed += reader.push(bytes, at, end);
    at = end;
  }
  const { state, rule, isOtherProtocol } = reader;
  return { ...found, state, rule, isOtherProtocol, consumed };
}

test('an answer is read however its records and reads are cut', () => {
  const part = fc.tuple(fc.boolean(), fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(255));
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }),
      (parts, cuts) => {
        const records = parts.map(([isOutput, content, padding]) =>
          record(isOutput ? recordTypes.stdout : recordTypes.stderr, content, { padding }),
        );
        const ofKind = (kind: boolean) =>
          Buffer.concat(parts.filter(([isOutput]) => isOutput === kind).map(([, content]) => content)).toString(
            'latin1',
          );
        const { output, errorText, ends, state } = read(Buffer.concat([...records, endRequest()]), cuts);
        assert.deepEqual(
          [output, errorText, ends, state],
          [ofKind(true), ofKind(false), ['FCGI_REQUEST_COMPLETE'], 'ended'],
        );
      },
    ),
    { numRuns: 200 },
  );
});

test('any bytes end in one of three states, and never in more output than came', () => {
  const begins = fc.constantFrom(
    stdout('a'),
    stderr('b'),
    endRequest(),
    Buffer.alloc(0),
    record(recordTypes.stdout, ''),
  );
  fc.assert(
    fc.property(
      fc.array(begins, { maxLength: 4 }),
      fc.uint8Array({ maxLength: 64 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      (before, bytes, cuts) => {
        const all = Buffer.concat([...before, bytes]);
        const whole = read(all);
        assert.ok(whole.output.length + whole.errorText.length <= all.length);
        assert.equal(whole.state === 'refused', whole.rule !== '');
        const { consumed: _, ...inParts } = read(all, cuts);
        const { consumed: __, ...atOnce } = whole;
        assert.deepEqual(inParts, atOnce);
      },
    ),
    { numRuns: 500 },
  );
});

test('what comes behind END_REQUEST and its padding is left', () => {
  const end = record(recordTypes.end, new Uint8Array(8), { padding: 5 });
  assert.equal(read(Buffer.concat([end, Buffer.from('more')])).consumed, end.length);
});

describe('records that break the protocol are refused', () => {
  const cases: readonly (readonly [what: string, bytes: Uint8Array, rule: RegExp])[] = [
    ['another version, later', Buffer.concat([stdout('a'), record(6, 'b', { version: 2 })]), /^a record of version 2/],
    ['another request', record(6, 'a', { id: 2 }), /^a record of request 2/],
    ['the id of management records', record(6, 'a', { id: 0 }), /^a record of request 0/],
    ['a type of requests', record(recordTypes.stdin, 'a'), /^a record of type 5/],
    ['an unknown type', record(200, 'a'), /^a record of type 200/],
    ['STDOUT behind its end', Buffer.concat([record(6, ''), stdout('a')]), /^STDOUT after the empty record/],
    ['a second end of STDERR', Buffer.concat([record(7, ''), record(7, '')]), /^STDERR after the empty record/],
    ['END_REQUEST that is too short', record(3, '1234567'), /^END_REQUEST with 7 bytes/],
    ['END_REQUEST that is empty', record(3, ''), /^END_REQUEST with 0 bytes/],
    ['an unknown end', record(3, Uint8Array.of(0, 0, 0, 0, 9, 0, 0, 0)), /^END_REQUEST with the unknown status 9/],
  ];
  for (const [what, bytes, rule] of cases)
    test(what, () => {
      const { state, rule: found, isOtherProtocol } = read(bytes, [3]);
      assert.deepEqual([state, isOtherProtocol], ['refused', false]);
      assert.match(found, rule);
    });
});

test('bytes that cannot begin a record are another protocol, at the first byte', () => {
  const { state, isOtherProtocol } = read(Buffer.from('H'));
  assert.deepEqual([state, isOtherProtocol], ['refused', true]);
});

test('a length of 65,535 costs no memory: the content is passed on as it comes', () => {
  const header = Buffer.from([1, 6, 0, 1, 0xff, 0xff, 0, 0]);
  const { output, state } = read(Buffer.concat([header, Buffer.from('abc')]), [9, 1]);
  assert.deepEqual([output, state], ['abc', 'partial']);
});
