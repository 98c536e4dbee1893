import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { awsDialects } from '#explain/aws/aws.ts';
import { candorDialects } from './all-dialects.ts';
import type { LineVerdict } from '#explain/log-explainer.ts';
import { LogExplainer } from '#explain/log-explainer.ts';
import { nodeDialects } from '#explain/node/node.ts';
import { platformDialects } from '#explain/all-dialects.ts';

const dialects = [...awsDialects, ...platformDialects, ...nodeDialects, ...candorDialects];

const example = /^```log\n([\s\S]*?)\n```\n→ \*\*(\w+)\*\*(?:, `(\w+)`)?$/gm;

for (const page of ['aws', 'platforms', 'node', 'candor']) {
  const text = readFileSync(new URL(`../../docs/explain/${page}.md`, import.meta.url), 'utf8');
  const examples = [...text.matchAll(example)];

  describe(`docs/explain/${page}.md`, () => {
    it('gives the verdict of each of its examples', () =>
      assert.equal(examples.length, text.split('```log\n').length - 1));

    for (const [, lines = '', shape, type] of examples)
      it(`gives the right verdict for ${lines.slice(0, 60)}`, () => {
        const explainer = new LogExplainer(dialects);
        let verdict: LineVerdict = null;
        for (const line of lines.split('\n')) verdict = explainer.read(line);
        assert.equal(verdict?.shape, shape);
        assert.equal(verdict?.type, type ?? null);
      });
  });
}
