import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Compared, withNewRows, withPoisoning } from '../../scripts/comparison-document.ts';
import { poisoningSection } from '../../scripts/poisoning-section.ts';
import { repositoryRoot } from '../../scripts/repository.ts';

const document = readFileSync(join(repositoryRoot, 'docs', 'comparison.md'), 'utf8');

describe('docs/comparison.md', () => {
  it('takes new figures of the other command in the place of the old ones, once', () => {
    const found = [{ title: 'One', version: '1', how: 'as it is', counts: { a: { asked: 200, wrong: 3, failed: 1 } } }];
    const lines = poisoningSection(found, [{ id: 'a', what: 'nothing' }], '2026-01-02');
    const once = withPoisoning(document, lines);
    assert.match(once, /\| nothing \| 2 % \(3 of 200\); 1 failed \|/);
    assert.equal(withPoisoning(once, lines), once);
    assert.equal(once.match(/^## A second response/gm)?.length, 1);
  });

  it('takes the row of a new case behind the last one of its part, marked as tried apart', () => {
    const run = { case: 'no-such-case', part: 'garbage', does: 'sends nothing', method: 'GET', on: 'fresh' };
    const seen = { status: 502, completeness: 'complete' };
    const report = { at: '2026-01-02T00:00:00Z', runs: [{ ...run, verdict: 'right', why: '', seen }] };
    const compared = [{ name: 'candor', title: 'Candor', report }] as unknown as readonly Compared[];
    const [before = '', after = ''] = withNewRows(document, compared).split(
      '| **no-such-case** †: sends nothing | ✔ 502 |\n',
    );
    assert.match(before, /\n### What is no HTTP\n[^#]*\|\n$/);
    assert.match(after, /^\n### The content of the answer\n/);
    assert.match(before, /Rows with † were tried on/);
  });
});
