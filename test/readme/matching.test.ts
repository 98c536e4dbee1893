import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { parseConfiguration } from '../../src/config/parse.ts';
import { explainRoute } from '../../src/control/explain-route.ts';
import { readRouteQuestion } from '../../src/control/route-question.ts';
import { loadPatterns } from '../../src/core/pattern.ts';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '../../scripts/repository.ts';
import { completed } from './completed.ts';

const document = await readFile(join(repositoryRoot, 'docs/matching.md'), 'utf8');

/** Each example, and where the requests in the table below it go. */
const examples = [
  ...document.matchAll(/```yaml\n([^`]+)```\n\n\| request \| goes to \|\n\|---\|---\|\n((?:\|.*\n)+)/g),
];

before(loadPatterns);

function questionOf(written: string) {
  const [, before = '', from = null, at = null] = /^(.*?)(?: from (\S+))?(?: at (\S+))?$/.exec(written) ?? [];
  const [, method = 'GET', target = '', header] = /^(?:([A-Z]+) )?(\S+)(?: (.*))?$/.exec(before) ?? [];
  const url = target.startsWith('/') ? `http://example.net${target}` : target;
  return readRouteQuestion({ method, url, headers: header === undefined ? [] : [header], client: from, listener: at });
}

for (const [, yaml = '', table = ''] of examples)
  describe(yaml.split('\n').slice(0, 3).join(' '), () => {
    for (const [, written = '', to = ''] of table.matchAll(/^\| `(.*?)` \| (.*) \|$/gm))
      test(`${written}: ${to}`, () => {
        const text = stringify(completed(parse(yaml) as Record<string, unknown>));
        const parsing = parseConfiguration(text, { file: 'a', directory: '/', environment: {}, hostname: 'a' });
        const question = questionOf(written);
        assert.ok(parsing.ok && question.ok);
        const { upstream, action, answer } = explainRoute(question.value, parsing.configuration);
        assert.ok([`\`${upstream}\``, action, String(answer?.['status'] ?? 404)].includes(to), `${upstream} ${action}`);
      });
  });

test('there are examples', () => assert.ok(examples.length >= 5));
