import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isGatewayFailure } from '#explain/finding.ts';
import { LogExplainer } from '../../src/diagnose/diagnose.ts';
import fc from '../properties.ts';
import { readLineCases, type Split } from './corpus.ts';
import { decidingWords } from './mangler.ts';
import { claimedShare, manglerScore, totalOf } from './mangler-claim.ts';

const splits: readonly Split[] = ['dev', 'test', 'holdout'];

/** Lines with a failure whose deciding words stand in them. */
const lines = splits
  .flatMap((split) => readLineCases(split))
  .flatMap(({ line, logFormat }) => {
    const found = line === undefined || logFormat !== undefined ? null : new LogExplainer().read(line);
    if (line === undefined || found === null || !isGatewayFailure(found) || found.shape === 'unknown') return [];
    const words = decidingWords(line, found);
    return words === null ? [] : [{ line, found, words }];
  });

describe('a line that people changed before they pasted it', () => {
  const { kept, wrong } = manglerScore();

  it('never gets another shape', () => {
    assert.deepEqual(
      wrong.map(({ mangling, shape, said, text }) => `${mangling}: ${shape}, said ${said}: ${text}`),
      [],
    );
  });

  it('keeps its shape in at least 85 % of all ways to change it', () => {
    const [right, of] = totalOf(kept);
    assert.ok(of > 10_000, `${of} mangled lines`);
    assert.ok(right >= claimedShare * of, `${right} of ${of}`);
  });

  it('keeps its shape in most cases of each way', () => {
    for (const [mangling, [right, of]] of kept) assert.ok(right * 10 >= of * 7, `${mangling}: ${right} of ${of}`);
  });
});

describe('a part of a line that has its deciding words', () => {
  it('is never explained as another failure, wherever it is cut', () => {
    const cut = fc.record({
      one: fc.constantFrom(...lines),
      before: fc.double({ min: 0, max: 1, noNaN: true }),
      after: fc.double({ min: 0, max: 1, noNaN: true }),
      mark: fc.constantFrom('', '> ', '- ', '3. ', '    ', 'web-1  | ', '...', '`'),
    });
    const property = fc.property(cut, ({ one: { line, found, words }, before, after, mark }) => {
      const start = line.lastIndexOf(' ', Math.floor(words.start * before)) + 1;
      const end = Math.ceil(words.end + (line.length - words.end) * after);
      const said = new LogExplainer().read(`${mark}${line.slice(Math.min(start, words.start), end)}`);
      if (said === null || said.shape === 'none' || said.shape === 'unknown') return;
      assert.equal(said.shape, found.shape, line.slice(start, end));
    });
    fc.assert(property, { numRuns: 2_000 });
  });
});
