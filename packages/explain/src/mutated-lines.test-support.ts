import assert from 'node:assert/strict';
import * as fc from '../../../test/properties.ts';
import { unicodeText } from '../../../test/unicode-text.ts';
import type { Dialect } from './dialect.ts';

/** Lines as a broken pipe, a wrong encoding or another program may leave them. */
function mutatedLine(lines: readonly string[]): fc.Arbitrary<string> {
  return fc
    .record({
      line: fc.constantFrom(...lines),
      from: fc.nat(400),
      take: fc.nat(400),
      insert: fc.oneof(
        fc.array(fc.nat(0xff_ff), { maxLength: 40 }).map((units) => String.fromCharCode(...units)),
        fc.constantFrom(
          '"',
          '""',
          '{',
          '}',
          '\\',
          ' ',
          '=',
          '-1',
          '\u0000',
          '[',
          ']',
          '\ud800',
          '999999999999999999999',
        ),
      ),
      cut: fc.option(fc.nat(600)),
    })
    .map(({ line, from, take, insert, cut }) => {
      const mutated = `${line.slice(0, from)}${insert}${line.slice(from + take)}`;
      return cut === null ? mutated : mutated.slice(0, cut);
    });
}

/** For any line: no exception, and no failure without evidence and a sentence. */
export function assertSurvives(dialects: readonly Dialect[], lines: readonly string[], numRuns = 300): void {
  fc.assert(
    fc.property(fc.array(mutatedLine(lines), { maxLength: 4 }), (mutated) => {
      for (const dialect of dialects) {
        const reader = dialect.open();
        for (const line of mutated) {
          assert.ok([0, 1, 2].includes(dialect.recognise(line)));
          const finding = reader.read(line);
          if (finding === null || finding.shape === 'none') continue;
          assert.notEqual(finding.evidence.length, 0, line);
          assert.notEqual(finding.sentence, '', line);
          assert.ok((finding.request?.length ?? 0) <= 200, line);
        }
      }
    }),
    { numRuns },
  );
  for (const long of [
    'a'.repeat(1 << 20),
    '='.repeat(1 << 18),
    '"'.repeat(1 << 18),
    `${lines[0]} ${'x '.repeat(1 << 18)}`,
  ])
    for (const dialect of dialects) {
      dialect.recognise(long);
      dialect.open().read(long);
    }
}

/** For dialects that recognise a line without earlier lines: they read every line that they recognise, and no other. */
export function assertReadsWhatItRecognises(
  dialects: readonly Dialect[],
  lines: readonly string[],
  numRuns = 500,
): void {
  fc.assert(
    fc.property(fc.constantFrom(...lines), fc.nat(300), fc.nat(20), unicodeText(), (line, at, cut, put) => {
      const bent = line.slice(0, at) + put + line.slice(at + cut);
      for (const dialect of dialects)
        assert.equal(dialect.open().read(bent) !== null, dialect.recognise(bent) > 0, dialect.format);
    }),
    { numRuns },
  );
}
