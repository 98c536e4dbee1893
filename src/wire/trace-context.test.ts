import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import { parseTraceparent } from './trace-context.ts';

const trace = '0af7651916cd43dd8448eb211c80319c';
const span = 'b7ad6b7169203331';

describe('parseTraceparent', () => {
  it('reads version 00', () => {
    assert.deepEqual(parseTraceparent(`00-${trace}-${span}-01`), { traceId: trace, parentId: span, flags: '01' });
  });

  it('reads what it knows of a later version', () => {
    assert.equal(parseTraceparent(`01-${trace}-${span}-00-more`)?.traceId, trace);
    assert.equal(parseTraceparent(`cc-${trace}-${span}-00`)?.parentId, span);
  });

  const ignored = [
    '',
    `ff-${trace}-${span}-00`,
    `00-${trace}-${span}-00-more`,
    `00-${trace}-${span}-0`,
    `00-${trace}-${span}-00more`,
    `00-${trace.toUpperCase()}-${span}-00`,
    `00-${'0'.repeat(32)}-${span}-00`,
    `00-${trace}-${'0'.repeat(16)}-00`,
    `00-${trace.slice(1)}-${span}-00`,
    `${trace}-${span}`,
    `00-${trace}-${span}-00, 00-${trace}-${span}-00`,
  ];
  for (const text of ignored) it(`ignores "${text}"`, () => assert.equal(parseTraceparent(text), null));

  it('reads exactly what the grammar allows', () => {
    const grammar =
      /^(?!ff)(?:00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}|(?!00)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?)$/;
    const good = fc
      .tuple(fc.constantFrom('00', '01', 'fe', 'ff'), fc.constantFrom('', '-', '-x'))
      .map(([version, rest]) => `${version}-${trace}-${span}-01${rest}`);
    // One character is replaced, inserted or removed.
    const edited = fc
      .tuple(good, fc.nat(60), fc.nat(1), fc.constantFrom('', '0', 'f', 'g', '/', ':', '`', 'A', '-', ' ', 'é'))
      .map(([text, at, removed, added]) => text.slice(0, at) + added + text.slice(at + removed));
    fc.assert(
      fc.property(fc.oneof(good, edited), (text) => {
        assert.equal(parseTraceparent(text) !== null, grammar.test(text), text);
      }),
      { numRuns: 5000 },
    );
  });
});
