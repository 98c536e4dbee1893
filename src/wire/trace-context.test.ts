import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
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
});
