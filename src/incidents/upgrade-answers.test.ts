import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptedKey, deniedForm, missingForm, sizeCells, upgradeKey } from '../core/content-kind.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { IncidentTracker } from './incident-tracker.ts';

interface Play {
  /** Answers in a second: `answerParts` numbers of each. */
  readonly answers: (second: number) => readonly number[];
  /** Streams of another route that are cut at second 61. */
  readonly cut?: number;
}

function told({ answers, cut = 0 }: Play): string[] {
  const tracker = new IncidentTracker(0);
  const all: string[] = [];
  for (let second = 1; second <= 140; second++) {
    const pair = { route: 'ws', upstream: 'shop', endpoint: 'shop/1', answered: 4, serverErrors: 0 };
    const routes = [{ ...pair, latencies: [], failed: [], slow: [], awaited: [], answers: answers(second) }];
    const exchanges = [sampleCount({ upstream: 'shop', route: 'page', count: 20 })];
    const failed = { cause: 'response_chunked_truncated', shape: 'reset', whose: 'application' } as const;
    if (second === 61 && cut > 0)
      exchanges.push(sampleCount({ upstream: 'shop', route: 'events', count: cut, ...failed }));
    tracker.note({ exchanges, routes, outcomes: [], staleReusesFailed: 0 }, second * 1000);
    for (const { kind, incident } of tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] })))
      if (kind !== 'grown') all.push(`${kind} ${second} ${incident.suspects[0]?.sentence}`);
  }
  return all;
}

const accepted = [acceptedKey, 1, 1];
const refused = (form: number, clients: number): readonly number[] => [upgradeKey + form * sizeCells, 2, clients];

/** Until second 60 a tunnel ends every ten seconds; then upgrades are answered with 404. */
const withTunnels =
  (clients: (second: number) => number, form = missingForm) =>
  (second: number) =>
    second > 60 ? refused(form, clients(second)) : second % 10 === 0 ? accepted : [];

const ofMany = (second: number): number => 1 << (second % 12);

test('a route that answers requests for an upgrade with 404, where it has switched protocols before, is an incident', () => {
  const [opened, ...more] = told({ answers: withTunnels(ofMany) });
  assert.match(
    opened ?? '',
    /^opened 6[3-5] The application answers with 404 on the route ws, where an upgrade \(101\) was usual\.$/,
  );
  assert.deepEqual(more, []);
});

test('a route that has nothing but tunnels shows itself by those that a restart ends', () => {
  const [opened] = told({
    answers: (second) => (second === 61 ? accepted : second > 61 ? refused(missingForm, ofMany(second)) : []),
  });
  assert.match(opened ?? '', /^opened 6[4-8] The application answers with 404 on the route ws/);
});

test('where a restart has cut streams first, the incident is about the upgrades after some seconds', () => {
  const all = told({ answers: withTunnels(ofMany), cut: 5 });
  assert.match(all[0] ?? '', /^opened 6[1-4] The application, or something before it, cuts its connections\./);
  assert.match(all[1] ?? '', /^corrected \d+ The application answers with 404 on the route ws/);
  assert.equal(all.length, 2);
});

const noIncident: readonly (readonly [what: string, answers: Play['answers']])[] = [
  ['one client whose credentials are wrong', withTunnels(() => 1, deniedForm)],
  ['a route that has never switched protocols', (second) => (second > 60 ? refused(missingForm, ofMany(second)) : [])],
  [
    'tokens that have expired when a restart cuts tunnels',
    (second) => (second === 61 ? accepted : second > 61 && second < 65 ? refused(deniedForm, ofMany(second)) : []),
  ],
  [
    'as many refused before',
    (second) => (second % 10 === 0 ? accepted : second % 2 === 0 ? refused(deniedForm, ofMany(second)) : []),
  ],
];

for (const [what, answers] of noIncident)
  test(`no incident: ${what}`, () => {
    assert.deepEqual(told({ answers }), []);
  });
