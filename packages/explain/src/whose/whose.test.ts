import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../../../test/properties.ts';
import { unicodeText } from '../../../../test/unicode-text.ts';
import { answerCases, nginxPage } from './answer-cases.test-support.ts';
import { type AnsweredResponse, layers, whose } from './whose.ts';

describe('whose recognises', () => {
  for (const [promise, status, headers, body, author, passed] of answerCases) {
    it(promise, () => {
      const found = whose(body === undefined ? { status, headers } : { status, headers, body });
      assert.equal(found.author, author, found.sentence);
      if (passed !== undefined) assert.deepEqual(found.passed, passed, found.sentence);
      assert.equal(author === 'unknown', found.confidence === 'unsure', found.sentence);
      if (author !== 'unknown') assert.ok(found.evidence.length > 0);
    });
  }
});

describe('for any input, whose', () => {
  const names = ['server', 'via', 'proxy-status', 'x-cache', 'set-cookie', 'x-served-by', 'strict-transport-security'];
  const pieces = answerCases.flatMap(([, , headers, body]) => [
    ...Object.values(headers).flat(),
    ...Object.keys(headers),
    body ?? '',
  ]);
  const text = fc.oneof(
    unicodeText(),
    fc.constantFrom(...pieces),
    unicodeText().map((name) => `${name};error=dns_error`),
    unicodeText().map((tail) => nginxPage('502 Bad Gateway', `tengine${tail}`)),
    fc.tuple(fc.constantFrom(...pieces), fc.nat(400)).map(([piece, at]) => piece.slice(at % (piece.length + 1))),
    fc
      .array(fc.constantFrom(...pieces, ',', ';', '"', '\\', '(', '<', '\u0000'), { maxLength: 6 })
      .map((all) => all.join('')),
  );
  const response: fc.Arbitrary<AnsweredResponse> = fc.record(
    {
      status: fc.oneof(fc.constantFrom(200, 302, 404, 500, 502, 503, 504, 530), fc.double()),
      headers: fc.dictionary(
        fc.oneof(
          fc.constantFrom(...names, '__proto__', 'constructor'),
          fc.constantFrom(...answerCases.flatMap(([, , headers]) => Object.keys(headers))),
          fc.string(),
        ),
        fc.oneof(text, fc.array(text, { maxLength: 4 })),
      ),
      body: text,
    },
    { requiredKeys: ['status', 'headers'] },
  );

  it('names the author, the confidence and the evidence, and never throws', () => {
    fc.assert(
      fc.property(response, (given) => {
        const found = whose(given);
        assert.ok(layers.includes(found.author));
        assert.ok(
          found.passed.every((layer) => layers.includes(layer) && layer !== 'application' && layer !== 'unknown'),
        );
        assert.ok(['certain', 'likely', 'unsure'].includes(found.confidence));
        assert.ok(found.author === 'unknown' || found.evidence.length > 0);
        assert.equal(found.author === 'unknown' ? found.confidence : 'unsure', 'unsure');
        for (const line of [...found.evidence, found.sentence]) assert.match(line, /^[\x20-\x7e\u00a0-\uffff]*$/);
        for (const line of found.evidence) assert.ok(line.length <= 160);
      }),
      { numRuns: 400 },
    );
  });

  it('gives the same answer twice, and for header names in any case', () => {
    fc.assert(
      fc.property(response, (given) => {
        const shouted = Object.fromEntries(
          Object.entries(given.headers).map(([name, value]) => [name.toUpperCase(), value]),
        );
        fc.pre(Object.keys(shouted).length === Object.keys(given.headers).length);
        fc.pre(Object.keys(given.headers).every((name) => /^[\x20-\x7e]*$/.test(name) && name !== '__proto__'));
        fc.pre(
          new Set(Object.keys(given.headers).map((name) => name.toLowerCase())).size === Object.keys(shouted).length,
        );
        assert.equal(whose({ ...given, headers: shouted }).author, whose(given).author);
        assert.deepEqual(whose(given), whose(given));
      }),
      { numRuns: 100 },
    );
  });

  it('accepts values that are no response', () => {
    for (const given of [
      null,
      undefined,
      7,
      {},
      { headers: null },
      { status: '502', headers: [], body: 7 },
      { headers: { server: null, via: [null, 3, {}] } },
    ])
      assert.equal(whose(given as never).author, 'unknown');
  });

  it('reads only the beginning of an endless body, and of endless headers', () => {
    const endless = '<'.repeat(1_000_000);
    const headers: Record<string, string[]> = {};
    for (let at = 0; at < 3_000; at += 1) headers[`x-akamai-${at}`] = ['a, '.repeat(10_000)];
    for (const name of names) headers[name] = Array.from({ length: 300 }, () => `"${' \\,;('.repeat(4_000)}`);
    const found = whose({ status: 502, headers, body: endless });
    assert.equal(found.author, 'unknown');
    assert.ok(JSON.stringify(found).length < 10_000);
    const late = whose({ status: 502, headers: {}, body: `${' '.repeat(70_000)}Guru Mediation:` });
    assert.equal(late.author, 'unknown');
  });
});

describe('a page without its head', () => {
  const cases: readonly (readonly [what: string, body: string, author: string])[] = [
    ['of nginx, though no `Server` came with it', nginxPage('502 Bad Gateway', 'nginx'), 'nginx'],
    ['of nginx with its version', nginxPage('504 Gateway Time-out', 'nginx/1.24.0'), 'nginx'],
    ['of Envoy', 'no healthy upstream', 'envoy'],
  ];
  for (const [what, body, author] of cases) {
    it(`${what} is attributed to its author as likely, and never as certain`, () => {
      const told = whose({ status: 0, headers: {}, body, bodyAlone: true });
      assert.deepEqual([told.author, told.confidence], [author, 'likely']);
      assert.match(told.sentence, /very likely wrote/);
    });
  }
});
