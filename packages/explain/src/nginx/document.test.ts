import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { wantedVariables } from './fixes.ts';
import { nginxLogFormat } from './log-format.ts';
import { findingOfLine, inShort } from './reading.test-support.ts';

const page = readFileSync(new URL('../../../../docs/explain/nginx.md', import.meta.url), 'utf8');

const blocks = (language: string): readonly string[] =>
  [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter((found) => found[1] === language)
    .map((found) => found[2] ?? '');

describe('the page about nginx', () => {
  const examples = blocks('text').flatMap((block) => [...block.matchAll(/^(.+)\n=> (.+)$/gm)]);

  test('has an example of every shape', () => {
    const shapes = new Set(examples.map((example) => example[2]?.split(' ')[0]));
    const all = [
      'unreachable',
      'too_slow',
      'reset',
      'garbage',
      'refused_by_gateway',
      'app_error',
      'client_abort',
      'none',
      'unknown',
    ];
    assert.deepEqual(shapes, new Set(all));
  });

  for (const [, line, expected] of examples) {
    test(`gives the right verdict for: ${line?.slice(0, 100)}`, () => {
      assert.equal(inShort(findingOfLine(line ?? '')).replace(/^\w+ /, ''), expected);
    });
  }

  test('recommends a complete format, the same one that the fixes recommend', () => {
    const format = blocks('nginx')[0] ?? '';
    for (const name of wantedVariables) assert.ok(format.includes(`$${name}`), name);
    const dialect = nginxLogFormat(format);
    assert.ok(dialect.ok);
    const fix = findingOfLine('192.0.2.7 - - [21/Nov/2026:21:59:47 +0000] "GET / HTTP/1.1" 502 157 "-" "-"')?.fix;
    assert.ok(format.startsWith(fix?.snippet ?? 'none'));
  });
});
