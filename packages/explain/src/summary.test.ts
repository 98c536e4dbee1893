import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, harmlessFinding } from './engine.test-support.ts';
import type { Finding } from './finding.ts';
import { Summary } from './summary.ts';
import type { SummaryReport } from './summary-report.ts';

const start = Date.UTC(2026, 10, 21, 10);

function reportOf(findings: readonly (Finding | null)[]): SummaryReport {
  const summary = new Summary();
  for (const [i, finding] of findings.entries()) summary.add(finding, `line ${i + 1}`);
  return summary.report();
}

/** Failures with so many seconds between them. */
function series(count: number, everyS: number, changes: (i: number) => Partial<Finding> = () => ({})): Finding[] {
  return Array.from({ length: count }, (_, i) => failure({ atMs: start + i * everyS * 1000, ...changes(i) }));
}

const consequence = (atMs: number) =>
  failure({
    atMs,
    shape: 'refused_by_gateway',
    type: 'destination_unavailable',
    stage: 'route',
    upstream: 'app',
    isConsequence: true,
    sentence: 'No server was contacted.',
  });

test('every line is counted once, by its kind', () => {
  const report = reportOf([
    failure(),
    harmlessFinding(),
    null,
    failure({ shape: 'app_error', type: null }),
    failure({ shape: 'client_abort', type: null }),
  ]);
  const { lines, recognised, unrecognised, blank, failures, byShape } = report;
  assert.deepEqual(
    { lines, recognised, unrecognised, blank, failures },
    { lines: 5, recognised: 4, unrecognised: 1, blank: 0, failures: 1 },
  );
  assert.deepEqual(
    byShape.map(({ shape }) => shape),
    ['unreachable', 'app_error', 'client_abort'],
  );
  assert.deepEqual(report.byCause[0]?.examples, [{ file: null, line: 1, text: 'line 1' }]);
});

test('failures with the same cause at different addresses count as one cause', () => {
  const report = reportOf(
    series(4, 1, (i) => ({ sentence: `10.0.0.${i}:80 did not answer in ${i} s, said "a${i}".` })),
  );
  assert.deepEqual(
    report.byCause.map(({ count }) => count),
    [4],
  );
});

const joined: readonly (readonly [why: string, second: Partial<Finding>, failures: number, shape: string])[] = [
  ['another line of the same failure', { evidence: ['AH01114'] }, 1, 'unreachable'],
  ['the same line is repeated: another failure', {}, 2, 'unreachable'],
  ['another key', { joins: 'b', evidence: ['x'] }, 2, 'unreachable'],
  ['no key', { joins: null, evidence: ['x'] }, 2, 'unreachable'],
  ['another request of the connection', { request: 'GET /b', evidence: ['x'] }, 2, 'unreachable'],
  ['much later', { atMs: start + 20_000, evidence: ['x'] }, 2, 'unreachable'],
  ['another cause', { shape: 'too_slow', type: 'connection_read_timeout' }, 2, 'unreachable'],
  ['a line that knows less', { shape: 'unknown', type: null }, 1, 'unreachable'],
];

for (const [why, second, failures, shape] of joined) {
  test(`lines with the same key count as one failure or two: ${why}`, () => {
    const report = reportOf([failure({ atMs: start, joins: 'a' }), failure({ atMs: start, joins: 'a', ...second })]);
    assert.equal(report.failures, failures);
    assert.equal(report.repeats, 2 - failures);
    assert.equal(report.byShape[0]?.shape, shape);
  });
}

test('of the lines of one failure, the one that knows most of the cause is counted', () => {
  const unknown = failure({ atMs: start, joins: 'a', shape: 'unknown', type: null, upstream: 'app' });
  const report = reportOf([unknown, failure({ atMs: start + 1000, joins: 'a' })]);
  assert.deepEqual(report.byShape, [{ shape: 'unreachable', count: 1 }]);
  assert.deepEqual(
    report.byCause.map(({ shape }) => shape),
    ['unreachable'],
  );
  assert.deepEqual(
    report.upstreams.map(({ upstream }) => upstream),
    ['10.0.0.1:8080'],
  );
  assert.deepEqual([report.failures, report.hints.length], [1, 0]);
  assert.equal(
    report.timeline.intervals.reduce((sum, { failures }) => sum + failures, 0),
    1,
  );
});

for (const spanS of [0, 1, 119, 120, 3600, 86_400, 31 * 86_400, 40 * 365 * 86_400]) {
  test(`the timeline of ${spanS} s has at most 120 intervals, and includes every line`, () => {
    const report = reportOf(series(500, spanS / 499));
    const { intervals, intervalMs, firstMs, lastMs } = report.timeline;
    assert.ok(intervals.length >= 1 && intervals.length <= 120);
    assert.equal(
      intervals.reduce((sum, { lines }) => sum + lines, 0),
      500,
    );
    assert.deepEqual([firstMs, lastMs], [start, start + spanS * 1000]);
    for (const [i, { startMs }] of intervals.entries())
      assert.equal(startMs, (intervals[0]?.startMs ?? 0) + i * intervalMs);
  });
}

test('an incident has a start, an end, a rate and a root, and ends after a minute without failures', () => {
  const { incidents } = reportOf([...series(7, 10), ...series(4, 1, (i) => ({ atMs: start + 600_000 + i }))]);
  assert.equal(incidents.length, 1);
  const { startMs, endMs, count, perMinute, root } = incidents[0] as SummaryReport['incidents'][0];
  assert.deepEqual([startMs, endMs, count, perMinute, root.line], [start, start + 60_000, 7, 7, 1]);
});

test('consequences of an incident are counted separately', () => {
  const { incidents, consequences } = reportOf([
    ...series(6, 1),
    consequence(start + 9000),
    consequence(start + 10_000),
  ]);
  assert.equal(consequences, 2);
  assert.deepEqual(
    incidents.map(({ count, consequences: followed, root }) => [count, followed, root.isConsequence]),
    [[6, 2, false]],
  );
});

test('consequences without their cause are an incident whose root is marked as a consequence', () => {
  const { incidents } = reportOf(Array.from({ length: 5 }, (_, i) => consequence(start + i)));
  assert.deepEqual(
    incidents.map(({ count, consequences: followed, root }) => [count, followed, root.isConsequence]),
    [[0, 5, true]],
  );
});

const reset: Partial<Finding> = { shape: 'reset', type: 'connection_terminated', stage: 'response', request: 'POST /' };

const suspected: readonly (readonly [name: string, findings: readonly Finding[]])[] = [
  ['keep_alive_race', series(5, 90, () => reset)],
  [
    'saturation',
    series(1, 1, () => ({ type: 'connection_limit_reached', shape: 'refused_by_gateway', stage: 'queue' })),
  ],
  ['saturation', series(1, 1, () => ({ evidence: ['(11: Resource temporarily unavailable)'] }))],
  ['header_too_large', series(1, 1, () => ({ type: 'http_response_header_section_size', shape: 'garbage' }))],
  ['wrong_address_or_port', series(12, 60)],
  ['wrong_address_or_port', series(3, 1, () => ({ upstream: 'http://127.0.0.1:3000/' }))],
  ['sni', series(1, 1, () => ({ type: 'tls_alert_received', stage: 'tls', evidence: ['SSL alert number 40'] }))],
  ['dns', series(1, 1, () => ({ type: 'dns_error', stage: 'dns' }))],
  [
    'deploy',
    [
      ...series(6, 1),
      ...series(6, 1, (i) => ({ atMs: start + 300_000 + i })),
      harmlessFinding({ atMs: start + 900_000 }),
    ],
  ],
];

for (const [name, findings] of suspected) {
  test(`${name} is suspected, with its evidence`, () => {
    const { suspects } = reportOf(findings);
    assert.deepEqual(
      suspects.map((suspect) => suspect.name),
      [name],
    );
    assert.ok((suspects[0]?.evidence.length ?? 0) > 0 && suspects[0]?.fix !== null && suspects[0]?.sentence !== '');
  });
}

const atHome = (): Partial<Finding> => ({ upstream: 'http://127.0.0.1:3000/' });

const unsuspected: readonly (readonly [why: string, findings: readonly Finding[]])[] = [
  ['resets in one bunch', series(40, 0.02, () => reset)],
  ['resets after a long answer', series(5, 90, () => ({ ...reset, durationMs: 5000 }))],
  ['refusals that are over soon', series(6, 1)],
  ['an expired certificate', series(5, 1, () => ({ type: 'tls_certificate_error', evidence: ['expired'] }))],
  [
    'this machine, after half an hour without failures',
    [...series(40, 1, atHome), harmlessFinding({ atMs: start + 1_800_000 })],
  ],
  [
    'another address, after an hour without failures',
    [...series(12, 60), harmlessFinding({ atMs: start + 3_600_000 })],
  ],
  ['an address that was reached in between', [...series(12, 60), failure({ ...reset, durationMs: 900, atMs: start })]],
];

for (const [why, findings] of unsuspected) {
  test(`nothing is suspected for ${why}`, () => {
    assert.deepEqual(reportOf(findings).suspects, []);
  });
}

test('an endpoint is counted once, whatever scheme and path its lines write', () => {
  const names = ['http://127.0.0.1:3000/cart', 'http://127.0.0.1:3000/pay?a=http://x/', '127.0.0.1:3000'];
  const sockets = ['http://unix:/run/app.sock:/cart', 'unix:/run/app.sock', 'fastcgi://unix:/run/app.sock:'];
  const { upstreams } = reportOf([...names, ...sockets].map((upstream) => failure({ upstream })));
  assert.deepEqual(
    upstreams.map(({ upstream, failures }) => [upstream, failures]),
    [
      ['127.0.0.1:3000', 3],
      ['unix:/run/app.sock', 3],
    ],
  );
});

test('a report has a bounded size, and says how much it has left out', () => {
  const summary = new Summary();
  const letters = (i: number) => i.toString(2).replaceAll('0', 'x').replaceAll('1', 'y');
  for (let i = 0; i < 30_000; i++) {
    const name = letters(i);
    const long = 'z'.repeat(5000);
    const finding = failure({
      atMs: start + i * 10,
      upstream: name,
      sentence: `${name} ${long}`,
      evidence: [long],
      joins: name,
    });
    summary.add(finding, long);
    summary.add({ ...finding, kind: 'event', shape: 'none', sentence: name }, long);
  }
  const report = summary.report();
  assert.ok(JSON.stringify(report).length < 300_000);
  const left = [report.causesLeftOut, report.upstreamsLeftOut, report.eventsLeftOut];
  for (const { kinds, count } of left) assert.ok(kinds === null && count >= 29_000);
  assert.equal(
    report.byCause.reduce((sum, { count }) => sum + count, report.causesLeftOut.count),
    30_000,
  );
});

test('later lines do not change a report', () => {
  const summary = new Summary();
  summary.add(failure(), 'a');
  const report = summary.report();
  const before = JSON.stringify(report);
  summary.add(failure(), 'b');
  assert.equal(JSON.stringify(report), before);
});

const plain = {
  gateway: 'node',
  format: 'Node error',
  request: null,
  upstream: null,
  evidence: ['ECONNRESET'],
} as const;
const alone = [failure(plain), failure({ ...plain, gateway: 'nodejs', shape: 'none', kind: 'event' })];

for (const [why, findings, failures] of [
  ['alone, it is a failure of a proxy', alone, 1],
  ['before the lines of another gateway, it is none', [...alone, harmlessFinding()], 0],
  ['after the lines of another gateway, it is none', [harmlessFinding(), ...alone], 0],
  ['beside other failures, they stay', [failure({ request: 'GET /b' }), ...alone], 1],
] as const) {
  test(`an error that Node prints may be the application's own: ${why}`, () => {
    const report = reportOf(findings);
    assert.equal(report.failures, failures);
    assert.equal(
      report.byShape.reduce((sum, { count }) => sum + count, 0),
      failures,
    );
    assert.equal(
      report.events.filter(({ sentence }) => /^An application reported/.test(sentence)).length,
      why.startsWith('alone') ? 0 : 1,
    );
  });
}

test('joins the lines of a second log to those that were read before its first line', () => {
  const summary = new Summary();
  const request = 'GET /a';
  const one = failure({ atMs: start, request, joins: 'connection 1', format: 'nginx error log' });
  const other = failure({ atMs: start + 1000, request, joins: null, format: 'nginx access log' });
  summary.add(one, 'x, client: 192.0.2.1, y');
  assert.equal(summary.add(other, '192.0.2.1 - - [x'), 'repeat');
  assert.equal(summary.report().failures, 1);
});
