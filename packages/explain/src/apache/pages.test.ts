import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Finding } from '../finding.ts';
import { haproxyDialects } from '../haproxy/haproxy.ts';
import { LogExplainer } from '../log-explainer.ts';
import { varnishDialects } from '../varnish/varnish.ts';
import { tellingCommand } from '../varnish/access-log.ts';
import { tellingLogFormat } from './access-log.ts';
import { apacheDialects } from './apache.ts';

const dialects = [...apacheDialects, ...haproxyDialects, ...varnishDialects];

/** An example, inside a list or not, and its verdict. */
const example = /^( *)```log\n([\s\S]*?)\n *```\n *→ \*\*(\w+)\*\*(?:, `(\w+)`)?$/gm;

function pageOf(name: string): string {
  return readFileSync(new URL(`../../../../docs/explain/${name}.md`, import.meta.url), 'utf8');
}

/** The last line with a verdict is the one that the lines before it lead to. */
function verdictOn(lines: readonly string[]): Finding | null {
  const explainer = new LogExplainer(dialects);
  const findings = lines.map((line) => explainer.read(line));
  return findings.findLast((finding) => finding !== null && finding.shape !== 'none') ?? findings.at(-1) ?? null;
}

for (const page of ['apache', 'haproxy', 'varnish']) {
  const text = pageOf(page);
  const examples = [...text.matchAll(example)];

  describe(`docs/explain/${page}.md`, () => {
    it('gives the verdict of each of its examples', () => {
      assert.equal(examples.length, text.split('```log\n').length - 1);
      assert.notEqual(examples.length, 0);
    });

    for (const [, indent = '', lines = '', shape, type] of examples)
      it(`gives the right verdict for ${lines.trim().slice(-60)}`, () => {
        const verdict = verdictOn(lines.split('\n').map((line) => line.slice(indent.length)));
        assert.equal(verdict?.gateway, page);
        assert.equal(`${verdict?.shape} ${verdict?.type}`, `${shape} ${type ?? null}`);
      });
  });
}

it('the pages show the log formats that the fixes recommend', () => {
  assert.ok(pageOf('apache').includes(tellingLogFormat.join('\n')));
  assert.ok(pageOf('varnish').includes(tellingCommand));
});
