import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pageCases } from './page-cases.test-support.ts';
import { whose } from './whose.ts';

/** Texts that quote such a page, or only have some of its words. */
const others: readonly string[] = [
  '502 Bad Gateway',
  'Service Unavailable',
  'Our load balancer said: No server is available to handle this request.',
  'The deploy failed with "Application failed to respond". Error code 502 was in the log.',
  '{"error":"upstream returned: The request could not be satisfied."}',
  "Error 1016 of our database: Can't open file",
];

describe('the text of a page without its headers', () => {
  for (const [author, status, body] of pageCases)
    it(`is of ${author}: ${body.slice(0, 80).replaceAll('\n', ' ')}`, () => {
      const found = whose({ status, headers: {}, body, bodyAlone: true });
      assert.deepEqual([found.author, found.confidence === 'certain'], [author, false]);
    });

  for (const body of others)
    it(`is of no known author: ${body}`, () => {
      const { author } = whose({ status: 0, headers: {}, body, bodyAlone: true });
      assert.ok(author === 'unknown' || author === 'application', author);
    });

  it('is read from HTML, too, and shows the origin where Cloudflare stands in for it', () => {
    const page = (code: number): string =>
      `<!DOCTYPE html><html><head><title>shop.example | ${code}: Error</title><style>p{}</style></head><body><h1>Bad gateway <span>Error code ${code}</span></h1><div>Visit <a href="https://www.cloudflare.com/">cloudflare.com</a> for more information.</div></body></html>`;
    const of = (code: number): string => whose({ status: code, headers: {}, body: page(code), bodyAlone: true }).author;
    assert.deepEqual([of(522), of(502)], ['cloudflare', 'application']);
  });
});
