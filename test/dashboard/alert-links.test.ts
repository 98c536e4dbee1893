import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dashboardLink } from '../../src/alerts/alerts.ts';
import { addressHash, parseAddress } from '../../src/dashboard/page-address.ts';

// What alerts link to, and the pages that the dashboard has.

for (const base of ['https://gw.test', 'https://gw.test:9901/'])
  test(`the links of alerts at ${base} are pages of the dashboard`, () => {
    const hashOf = (incident: number | null): string =>
      new URL(dashboardLink(base, { incident, kind: 'incident', routes: [] }) ?? '').hash;
    assert.deepEqual(parseAddress(hashOf(3)), { page: 'incidents', id: '3', parameters: {} });
    assert.equal(hashOf(3), addressHash('incidents', '3'));
    assert.equal(hashOf(null), addressHash('now'));
  });

test('the link of an objective that is missed is the page that shows it', () => {
  const link = dashboardLink('https://gw.test', { incident: null, kind: 'slo', routes: ['/search it'] }) ?? '';
  assert.deepEqual(parseAddress(new URL(link).hash), { page: 'routes', id: '/search it', parameters: {} });
});
