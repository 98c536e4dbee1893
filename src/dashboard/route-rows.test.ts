import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectiveJson, RouteFigures } from './model.ts';
import { missedQuery, missedText, objectiveWords, routeRows } from './route-rows.ts';
import { nextOrder, type SortedColumn, sortedRows } from './sorted-rows.ts';

const route = (id: string, requests: number, errors: number, p99: number | null = 5): RouteFigures => ({
  ...{ id, upstream: 'shop' },
  last_minute: {
    ...{ seconds: 60, requests, requests_per_s: requests / 60, recent_per_s: 0, abandoned: 0, errors },
    ...{ error_share: requests === 0 ? null : errors / requests, p50_ms: p99, p99_ms: p99 },
  },
});

const rate = { tier: 'fast', limit: 14.4, short_s: 300, long_s: 3600, short: 30, long: 20.52 } as const;
const latency: ObjectiveJson = {
  ...{ route: '/search it', kind: 'latency', target: 0.99, under_ms: 500 },
  ...{ burning: 'fast', since_s: 60, budget_left: 0.4, burn_rates: [rate, { ...rate, tier: 'slow', long_s: 259_200 }] },
};
const availability: ObjectiveJson = { ...latency, route: '/', kind: 'availability', target: 0.999, under_ms: null };

test('routes stand by errors, then by requests, each with its objectives and its plot', () => {
  const routes = [route('/', 900, 0), route('/cart', 10, 3), route('/old', 0, 0, null), route('/search it', 1200, 0)];
  const plot = { id: '/cart', requests: [1, 2], errors: [0, 1] };
  const rows = routeRows({ routes, objectives: [latency] }, { step_s: 10, since: '', routes: [plot] });
  assert.deepEqual(
    rows.map(({ id, objectives, plot: shown }) => [id, objectives.length, shown !== null]),
    [
      ['/cart', 0, true],
      ['/search it', 1, false],
      ['/', 0, false],
      ['/old', 0, false],
    ],
  );
});

test('rows are sorted by the column that is shown as sorted; equal ones keep their order, and those without a value come last', () => {
  const rows = [route('/b', 5, 1), route('/a', 9, 1, null), route('/c', 1, 7, 80)];
  const columns: readonly SortedColumn<RouteFigures>[] = [
    { name: 'route', sortBy: ({ id }) => id },
    { name: 'errors', isNumber: true, sortBy: ({ last_minute: one }) => one.errors },
    { name: 'p99', isNumber: true, sortBy: ({ last_minute: one }) => one.p99_ms },
    { name: 'plot' },
  ];
  const idsBy = (column: string | null, isDescending: boolean): string =>
    sortedRows(rows, columns, { column, isDescending })
      .map(({ id }) => id)
      .join(' ');
  assert.equal(idsBy('errors', true), '/c /b /a');
  assert.equal(idsBy('p99', true), '/c /b /a');
  assert.equal(idsBy('p99', false), '/b /c /a');
  assert.equal(idsBy('route', false), '/a /b /c');
  assert.equal(idsBy(null, true), '/b /a /c');
  const [name, errors] = columns as [SortedColumn<RouteFigures>, SortedColumn<RouteFigures>];
  const first = nextOrder({ column: null, isDescending: false }, errors);
  assert.deepEqual(first, { column: 'errors', isDescending: true });
  assert.equal(nextOrder(first, errors).isDescending, false);
  assert.deepEqual(nextOrder(first, name), { column: 'route', isDescending: false });
});

test('an objective that is missed says so in words, with a search that finds the requests', () => {
  assert.equal(objectiveWords(availability), '99.9 % without failure');
  assert.match(
    missedText(latency) ?? '',
    /^The objective of \/search it \(99 % within 500 ms\) is missed: .* 20\.5 times/,
  );
  assert.equal(missedText({ ...latency, burning: null }), null);
  assert.equal(missedQuery(latency), 'route:"/search it" duration:>500ms since:1h');
  assert.equal(missedQuery({ ...availability, burning: 'slow' }), 'route:/ -shape:none,client_abort since:72h');
});
