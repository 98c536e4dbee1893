import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { failureTable } from '#failures/failure-table.ts';
import { type Cause, fail, type Failure } from '#failures/failure.ts';
import type { Delivery } from '#failures/shape.ts';
import { type AccountFacts, giveAccount } from './account.ts';
import { renderErrorPage } from './error-page.ts';
import { TextRedactor } from '../redact/text-redactor.ts';

const requestId = '0199a7c2-5f0e-7d1a-9c55-2f4f8a1b7c3d';
const refused = fail('connect_refused', 'connect', { address: '10.0.0.7:3000' });

function pageFor(failure: Failure, changes: Partial<AccountFacts> = {}): string {
  const facts: AccountFacts = {
    failure,
    delivery: 'not_sent',
    application: '',
    exit: null,
    requestId,
    method: 'GET',
    disclosure: 'public',
    redactor: new TextRedactor(),
    nextHop: '10.0.0.7:3000',
    receivedStatus: null,
    wallTime: Date.UTC(2026, 10, 20, 14, 3, 22),
    ...changes,
  };
  return renderErrorPage(giveAccount(facts));
}

describe('the error page', () => {
  it('is, for a refused connection, the page that was looked at and found good', () => {
    const golden = join(import.meta.dirname, 'error-page.golden.html');
    const page = pageFor(refused, { disclosure: 'operator' });
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, page);
    assert.equal(page, readFileSync(golden, 'utf8'), 'look at the new page, then run this test with UPDATE_GOLDEN=1');
  });

  it('needs nothing from anywhere: no script, no image, no style, no font', () => {
    for (const cause of Object.keys(failureTable) as Cause[]) {
      const page = pageFor(
        fail(cause, 'response', {
          rule: 'header-value',
          name: 'x',
          firstBytes: '',
          message: '',
          retryAfterS: 3,
        } as never),
      );
      assert.doesNotMatch(page, /<script|<img|<iframe|@import|url\(|https?:/i, cause);
      assert.ok(page.length < 8000, `${cause}: ${page.length} bytes`);
    }
  });

  it('has no heading of usual causes where the process is known to have ended', () => {
    const ended = { atInstant: 1, code: 1, signal: null, outOfMemory: false, lastLine: null };
    const exit = { exit: ended, beforeMs: 3 };
    const page = pageFor(refused, { disclosure: 'operator', application: 'web', exit });
    assert.match(page, /<h3>Next step<\/h3>/);
    assert.doesNotMatch(page, /Usual causes|<ul>/);
  });

  it('shows the request id, the status and the time', () => {
    const page = pageFor(refused);
    assert.match(page, new RegExp(`<code class="id">${requestId}</code>`));
    assert.match(page, /502 Bad Gateway · 2026-11-20 14:03:22 UTC/);
  });

  it('survives a time that no calendar has', () => {
    assert.doesNotThrow(() => pageFor(refused, { wallTime: Number.NaN }));
  });

  const sent: readonly [method: string, delivery: Delivery, says: RegExp | null][] = [
    ['GET', 'sent_unknown', null],
    ['HEAD', 'response_started', null],
    ['POST', 'not_sent', /safe to send it again/],
    ['POST', 'refused_by_peer', /safe to send it again/],
    ['POST', 'partial', /Only part of what you sent/],
    ['POST', 'sent_unknown', /may have been carried out: check before you send it again/],
    ['PATCH', 'response_started', /probably carried out: check before you send it again/],
    ['PUT', 'sent_unknown', /does no harm/],
    ['DELETE', 'partial', /does no harm/],
  ];
  for (const [method, delivery, says] of sent) {
    it(`says of ${method} with delivery ${delivery}: ${says?.source ?? 'nothing, for nothing was to be done'}`, () => {
      const page = pageFor(refused, { method, delivery });
      if (says === null) assert.doesNotMatch(page, /What you sent|Only part of/);
      else assert.match(page, says);
    });
  }

  it('offers to try again only where that asks and changes nothing', () => {
    assert.match(pageFor(refused), /class="again"/);
    assert.doesNotMatch(pageFor(refused, { method: 'POST' }), /class="again"/);
    const missing = fail('no_route', 'route', { host: 'a', path: '/' });
    assert.doesNotMatch(pageFor(missing), /class="again"/);
  });

  it('says in words when to come back', () => {
    const waits: readonly [seconds: number, words: string][] = [
      [1, 'a second'],
      [45, '45 seconds'],
      [600, '10 minutes'],
      [7200, '2 hours'],
    ];
    for (const [retryAfterS, words] of waits) {
      const page = pageFor(fail('maintenance', 'route', { route: 'shop', message: '', retryAfterS }));
      assert.ok(page.includes(`try again in about ${words}.`), words);
    }
  });

  it('keeps endpoint, cause and next step for operators', () => {
    assert.doesNotMatch(pageFor(refused), /10\.0\.0\.7|ss -ltnp|For operators/);
    const page = pageFor(refused, { disclosure: 'operator' });
    assert.match(page, /For operators/);
    assert.match(page, /<code>10\.0\.0\.7:3000<\/code>/);
    assert.match(page, /<code>ss -ltnp<\/code>/);
  });
});
