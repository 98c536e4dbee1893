import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pagePlaceholdersMax } from '../core/page-template.ts';
import type { Account } from './account.ts';
import { fillCustomPage, findCustomPage } from './custom-page.ts';

const account = {
  requestId: 'id-1',
  status: 502,
  title: 'Bad <Gateway>',
  forClient: 'It & {{status}}',
  forOperators: null,
} as unknown as Account;

describe('a custom page', () => {
  for (const [status, page] of [
    [404, 'of the status'],
    [410, 'of the class'],
    [503, 'of all'],
  ] as const)
    it(`for ${status} is that ${page}`, () =>
      assert.equal(findCustomPage({ default: 'of all', '4xx': 'of the class', 404: 'of the status' }, status), page));

  it('is none where there is no page for the status', () => assert.equal(findCustomPage({ 404: 'a' }, 502), null));

  for (const [page, filled] of [
    ['', ''],
    ['<p>', '<p>'],
    ['{{status}}', '502'],
    ['a{{ status }}b{{\ttitle\n}}c', 'a502bBad &lt;Gateway&gt;c'],
    ['{{request_id}}{{request_id}}', 'id-1id-1'],
    ['{{unknown}} {status} {{status}', '{{unknown}} {status} {{status}'],
    ['{{{status}}}', '{502}'],
    // A value is never read as a template.
    ['{{visitor}}{{detail}}', 'It &amp; {{status}}It &amp; {{status}}'],
    ['{{constructor}}{{__proto__}}', '{{constructor}}{{__proto__}}'],
  ] as const)
    it(`${JSON.stringify(page)} reads ${JSON.stringify(filled)}`, () =>
      assert.equal(fillCustomPage(page, account), filled));

  it('is filled at so many places and no more, so that no page makes a worker wait', () => {
    const filled = fillCustomPage('{{detail}},'.repeat(20_000), account);
    assert.equal(filled.split('It &amp;').length - 1, pagePlaceholdersMax);
    assert.equal(filled.split('{{detail}}').length - 1, 20_000 - pagePlaceholdersMax);
  });

  it('is filled in time that grows with its length alone', () => {
    for (const unit of ['{{', '{{ ', '{{a', '{', '{{status', '{{status}', ' ']) {
      const page = unit.repeat((256 * 1024) / unit.length);
      assert.equal(fillCustomPage(page, account), page);
    }
    const spaces = `{{${' '.repeat(256 * 1024)}`;
    assert.equal(fillCustomPage(spaces, account), spaces);
  });

  it('shows what each request brings, although the page is read once', () => {
    const page = '<p>{{request_id}}</p>';
    for (const requestId of ['a', 'b', 'a'])
      assert.equal(fillCustomPage(page, { ...account, requestId }), `<p>${requestId}</p>`);
  });
});
