import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filterStages } from '../core/filter.ts';
import { compileFilters } from './filter-pipeline.ts';

test('requests pass filters in the order of their stages, and those of one stage as they were given', () => {
  const staged = filterStages.toReversed().map((stage) => ({ name: stage, stage }));
  const given = [{ name: 'answer' }, ...staged, { name: 'second', stage: 'network' as const }];
  const names = compileFilters(given)?.filters.map(({ name }) => name);
  const expected = filterStages.flatMap((stage) =>
    stage === 'network' ? [stage, 'second'] : stage === 'action' ? ['answer', stage] : [stage],
  );
  assert.deepEqual(names, expected);
});
