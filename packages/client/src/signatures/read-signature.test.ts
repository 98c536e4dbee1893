import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { answerCases } from '../../../explain/src/whose/answer-cases.test-support.ts';
import { answeredFailure } from '../../../explain/src/whose/answered-failure.ts';
import { pageCases } from '../../../explain/src/whose/page-cases.test-support.ts';
import { sentAnswers } from '../../../explain/src/whose/sent-answers.test-support.ts';
import { type AnsweredResponse, whose } from '../../../explain/src/whose/whose.ts';
import { signatureTable } from '../../../../scripts/signature-table.ts';
import type { ResponseSignature } from '../response-facts.ts';
import { readSignature } from './read-signature.ts';

const bySignature = ({ status, headers, body = '' }: AnsweredResponse): ResponseSignature | null => {
  const all = new Headers();
  for (const [name, values] of Object.entries(headers)) for (const value of [values].flat()) all.append(name, value);
  return readSignature({
    status,
    header: (name) => all.get(name),
    bodyStart: new TextDecoder().decode(new TextEncoder().encode(body).subarray(0, 256)),
  });
};

const corpus: readonly (readonly [promise: string, response: AnsweredResponse])[] = [
  ...answerCases.map(
    ([promise, status, headers, body]) =>
      [promise, { status, headers, ...(body === undefined ? {} : { body }) }] as const,
  ),
  ...pageCases.map(
    ([author, status, body]) => [`${author}: ${body.slice(0, 30)}`, { status, headers: {}, body }] as const,
  ),
  ...sentAnswers.map(([promise, response]) => [promise, response] as const),
];

const errors = corpus.filter(([, { status }]) => status >= 400);

const authorIn = ({ writer, gateway }: ResponseSignature): string =>
  writer === 'service' ? 'application' : (gateway ?? '');

describe('the table of signatures', () => {
  it('judges every response of the corpus as the full rules do, or says that it does not know', () => {
    for (const [promise, response] of errors) {
      const read = bySignature(response);
      if (read === null) continue;
      const full = whose(response);
      assert.equal(authorIn(read), full.author, promise);
      const failure = answeredFailure(response, full.author);
      for (const member of ['shape', 'cause', 'whose', 'delivery'] as const)
        if (read[member] !== null) assert.equal(read[member], failure[member], `${member} of: ${promise}`);
    }
  });

  for (const [promise, response, expected] of sentAnswers) {
    it(`knows ${promise}`, () => {
      const read = bySignature(response);
      if (read === null) return assert.equal(expected, 'unknown - -');
      const { cause, shape, delivery } = read;
      assert.equal([authorIn(read), cause ?? shape ?? '-', delivery ?? '-'].join(' '), expected);
    });
  }

  it('judges alike where a browser hides the headers of another origin, or says that it does not know', () => {
    for (const [promise, { status, body = '' }] of errors) {
      const hidden = { status, headers: { 'content-type': 'text/html' }, body };
      const read = bySignature(hidden);
      if (read !== null) assert.equal(authorIn(read), whose(hidden).author, promise);
    }
  });

  it('takes at most 3 KiB, compressed', () => {
    assert.ok(gzipSync(signatureTable(), { level: 9 }).length <= 3_072);
  });

  it('is as the rules are now: `node scripts/with-node.cjs scripts/write-signatures.ts` writes it', () => {
    assert.equal(readFileSync(new URL('table.ts', import.meta.url), 'utf8'), signatureTable());
  });

  it('answers any text at once', () => {
    for (const piece of ['<html>', '<title>', '{"', '<', ' ', 'error_', 'reset reason: connection failure ']) {
      const text = piece.repeat(2_000);
      assert.notEqual(bySignature({ status: 502, headers: { server: text, via: text }, body: text }), undefined);
    }
  });
});
