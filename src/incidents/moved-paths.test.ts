import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Event } from '../core/event.ts';
import { answerKey, contentKindOfText } from '../core/content-kind.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { IncidentTracker } from './incident-tracker.ts';

const keyOf = (type: string, bytes: number): number => answerKey(200, 'GET', contentKindOfText(type), bytes, false);
const [json, html] = [keyOf('application/json', 900), keyOf('text/html', 900)];

interface Flow {
  readonly route: string;
  readonly path: string;
  readonly perS: number;
  readonly answer: number;
}

/** Routes of the web server; all others belong to the application. */
const ofWeb: ReadonlySet<string> = new Set(['pages', 'general', 'other']);
const pages: Flow = { route: 'pages', path: '/', perS: 3, answer: html };
const api: readonly Flow[] = [
  { route: 'tasks', path: '/v1/tasks', perS: 6, answer: json },
  { route: 'tasks', path: '/v1/tasks/#', perS: 5, answer: json },
  { route: 'v1', path: '/v1/me', perS: 4, answer: json },
];
const [changedAt, restoredAt] = [100, 150];

/** What incidents say that open. `appliedAfterS`: so long after the first requests that a new configuration routes, main tells of it; null: there is none. */
function told(after: readonly Flow[], appliedAfterS: number | null): readonly string[] {
  const random = new SeededRandom(3);
  const tracker = new IncidentTracker(0);
  const found: string[] = [];
  for (let second = 1; second <= 210; second++) {
    const flows = second < changedAt || second >= restoredAt ? [pages, ...api] : after;
    const routes = flows.flatMap(({ route, path, perS, answer }) => {
      const answered = Math.floor(perS + 2 * random.next());
      const answers = Array.from({ length: answered }, () => [answer, 1, 1 << random.integer(32)]).flat();
      return {
        ...{ route, upstream: ofWeb.has(route) ? 'web' : 'team', endpoint: 'one/1', answered, serverErrors: 0 },
        ...{ latencies: [], failed: [], slow: [], awaited: [], answers },
        patterns: [{ pattern: path, answers, latencies: [] }],
      };
    });
    const exchanges = routes.map(({ route, upstream, answered }) => sampleCount({ upstream, route, count: answered }));
    tracker.note({ exchanges, outcomes: [], routes, staleReusesFailed: 0 }, second * 1000 + 500);
    if (appliedAfterS !== null && (second === changedAt + appliedAfterS || second === restoredAt + appliedAfterS))
      tracker.onEvent(applied, second * 1000 + 600);
    const watched = { application: null, endpoints: [] };
    for (const { kind, incident } of tracker.judge((second + 1) * 1000, () => watched))
      if (kind === 'opened')
        found.push(
          `${incident.upstream} after ${second + 1 - changedAt} s, ${incident.suspects[0]?.name}: ${incident.suspects[0]?.sentence}`,
        );
  }
  return found;
}

const applied = {
  ...{
    kind: 'configuration_applied',
    subject: 'gateway',
    revision: 2,
    from: null,
    to: null,
    reason: 'It was applied.',
  },
  evidence: { contentHash: '2', source: 'candor.yaml', changed: ['routes'], returned: [] },
} as unknown as Event;

const general = api.map((flow) => ({ ...flow, route: 'general', answer: html }));

describe('paths that a new configuration sends to another route', () => {
  for (const appliedAfterS of [0, 3])
    test(`are an incident where they are answered otherwise (main tells of it ${appliedAfterS} s later)`, () => {
      const [first, ...more] = told([pages, ...general], appliedAfterS);
      assert.match(first ?? '', /^web after \d s, configuration_change: The configuration was changed/);
      assert.deepEqual(more, []);
    });

  const quiet: readonly (readonly [what: string, after: readonly Flow[], appliedAfterS: number | null])[] = [
    ['they are answered as before', [pages, ...api.map((flow) => ({ ...flow, route: `new-${flow.route}` }))], 0],
    [
      'others of the same names are answered otherwise, beside them',
      [pages, ...api, { ...pages, route: 'other', path: '/v1/tasks' }],
      0,
    ],
  ];
  for (const [what, after, appliedAfterS] of quiet)
    test(`are none where ${what}`, () => assert.deepEqual(told(after, appliedAfterS), []));
});
