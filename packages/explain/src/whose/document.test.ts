import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type AnsweredResponse, layers, whose } from './whose.ts';

const text = readFileSync(new URL('../../../../docs/whose.md', import.meta.url), 'utf8');
const examples = [...text.matchAll(/```http\n([^]*?)\n```\n\n```text\n([^]*?)\n```/g)];

/** A response as `curl -i` prints it. */
function readResponse(lines: string): AnsweredResponse {
  const [head = '', ...rest] = `${lines}\n`.split('\n\n');
  const [statusLine = '', ...fieldLines] = head.split('\n');
  const headers = Object.fromEntries(fieldLines.filter((line) => line !== '').map((line) => line.split(/:\s*/, 2)));
  return { status: Number(statusLine.split(' ')[1]), headers, body: rest.join('\n\n').trim() };
}

describe('the document about who wrote a response', () => {
  for (const [, response = '', said = ''] of examples) {
    it(`gives the right answer for: ${said.split('\n').slice(0, 2).join(', ')}`, () => {
      const { author, confidence, passed, sentence } = whose(readResponse(response));
      assert.equal(
        [`author ${author}, ${confidence}`, `passed ${passed.join(', ') || 'none'}`, sentence].join('\n'),
        said,
      );
    });
  }

  it('has an example of each pair', () => {
    assert.equal(examples.length, 9);
    assert.equal(text.match(/^```http$/gm)?.length, examples.length);
  });

  it('names every layer, in order', () => {
    const named = [...text.slice(text.indexOf('## The layers')).matchAll(/^\| `([a-z-]+)` \|/gm)].map(
      ([, name]) => name,
    );
    assert.deepEqual(named, [...layers]);
  });
});
