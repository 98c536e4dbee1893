import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { IncidentJson, StatusJson, UpstreamJson, VerdictJson } from './model.ts';
import { endpointTone, overallState, type Tone, upstreamState } from './overall-state.ts';

const figures = (answered: number, failed: number) => ({ answered, failed, mean_ms: 2, p50_ms: 2, p99_ms: 3 });

const minute = (errors: number, requests = 1000): StatusJson['last_minute'] => ({
  seconds: 60,
  requests,
  requests_per_s: requests / 60,
  recent_per_s: requests / 60,
  abandoned: 0,
  errors,
  error_share: requests === 0 ? null : errors / requests,
  p50_ms: 2,
  p99_ms: 20,
});

const verdict = (state: VerdictJson['state']): VerdictJson => ({ state, reason: `It is ${state}.` });

const upstream = (verdict: VerdictJson, errors = 0): UpstreamJson =>
  ({ id: 'api', endpoints: [], last_minute: minute(errors), verdict }) as unknown as UpstreamJson;

const incident = (failed: number): IncidentJson => ({ id: 1, title: 'Connections refused', failed }) as IncidentJson;

const healthy: StatusJson = {
  state: 'serving',
  incidents: [],
  problems: [],
  dependencies: [],
  objectives: [],
  last_minute: minute(0),
  verdict: verdict('ok'),
  upstreams: [upstream(verdict('ok'))],
} as unknown as StatusJson;

const missed: StatusJson['objectives'][number] = {
  ...{ route: '/search', kind: 'latency', target: 0.99, under_ms: 500, burning: 'fast', since_s: 9, budget_left: 0.5 },
  burn_rates: [{ tier: 'fast', limit: 14.4, short_s: 300, long_s: 3600, short: 20, long: 16 }],
};

const cases: readonly (readonly [promise: string, change: Partial<StatusJson>, tone: Tone])[] = [
  ['serves', {}, 'good'],
  ['an incident that retries hide from clients is a warning', { incidents: [incident(0)] }, 'warn'],
  ['an incident wins over a good verdict', { incidents: [incident(12)], verdict: verdict('ok') }, 'warn'],
  ['an incident does not soften the verdict', { incidents: [incident(12)], verdict: verdict('failing') }, 'bad'],
  ['one percent is not more than one percent', { last_minute: minute(10) }, 'good'],
  [
    'failed requests are never good, whatever the verdict',
    { last_minute: minute(500), verdict: verdict('ok') },
    'warn',
  ],
  ['the verdict of the gateway is believed', { verdict: verdict('failing') }, 'bad'],
  ['degraded', { verdict: verdict('degraded') }, 'warn'],
  ['no knowledge is not good', { verdict: verdict('unknown') }, 'unknown'],
  ['maintenance is neither good nor bad', { verdict: verdict('maintenance'), last_minute: minute(0, 0) }, 'warn'],
  ['an objective that is missed is a warning, though nothing fails', { objectives: [missed] }, 'warn'],
  ['an objective that is kept is good', { objectives: [{ ...missed, burning: null }] }, 'good'],
  ['no requests are idle', { verdict: verdict('idle'), last_minute: minute(0, 0) }, 'idle'],
];

describe('the state of the whole gateway', () => {
  for (const [promise, change, tone] of cases)
    test(promise, () => assert.equal(overallState({ ...healthy, ...change }, false).tone, tone));

  test('its reason is the incident, and more of them are counted', () => {
    const shown = (...incidents: IncidentJson[]): string =>
      overallState({ ...healthy, verdict: verdict('failing'), incidents }, false).reason;
    assert.equal(shown(incident(3)), 'Connections refused.');
    assert.equal(shown(incident(3), incident(0), incident(4)), 'Connections refused, and 1 more incident.');
    assert.equal(shown(incident(0)), 'Connections refused; other attempts answered the requests.');
    assert.equal(shown(), 'It is failing.');
  });

  test('nothing is known before the first answer, and while the gateway does not answer', () => {
    assert.equal(overallState(null, false).tone, 'unknown');
    assert.equal(overallState(healthy, true).tone, 'unknown');
  });
});

describe('the state of an upstream', () => {
  const rows: readonly (readonly [promise: string, shown: UpstreamJson, tone: Tone])[] = [
    ['the verdict says that it serves', upstream(verdict('ok')), 'good'],
    ['in maintenance', upstream(verdict('maintenance')), 'warn'],
    ['requests fail though the verdict is good', upstream(verdict('ok'), 400), 'warn'],
    ['the verdict says that it fails', upstream(verdict('failing')), 'bad'],
  ];
  for (const [promise, shown, tone] of rows) test(promise, () => assert.equal(upstreamState(shown, []).tone, tone));

  test('an incident of its own goes on though no request comes any more; one of another is not its own', () => {
    const shown = upstream(verdict('idle'));
    const of = (id: string): readonly Pick<IncidentJson, 'upstream' | 'upstreams'>[] => [
      { upstream: id, upstreams: [] },
    ];
    assert.equal(upstreamState(shown, of('api')).word, 'degraded');
    assert.equal(upstreamState(shown, of('shop')).word, 'idle');
    const several = {
      upstream: '',
      upstreams: [
        { upstream: 'shop', failed: 3, attempts_failed: 3 },
        { upstream: 'api', failed: 1, attempts_failed: 1 },
      ],
    };
    assert.equal(upstreamState(shown, [several]).word, 'degraded');
  });
});

test('clients that are refused are said before the incidents, which do not count them', () => {
  const refused = { kind: 'clients_refused', reason: '9 clients were refused.', next_step: '', since: 0 };
  const status = { ...healthy, incidents: [incident(3)], problems: [refused] } as unknown as StatusJson;
  const reasonOf = (state: VerdictJson['state']): string =>
    overallState({ ...status, verdict: verdict(state) }, false).reason;
  assert.equal(reasonOf('failing'), '9 clients were refused. Connections refused.');
  assert.equal(reasonOf('degraded'), 'Connections refused.');
});

test('clients that one address may not have do not hide why the gateway fails', () => {
  const refused = { kind: 'clients_refused', reason: '9 clients were refused.', next_step: '', since: 0 };
  const status = { ...healthy, problems: [refused], verdict: verdict('failing') } as unknown as StatusJson;
  assert.equal(overallState(status, false).reason, 'It is failing.');
});

test('only a healthy endpoint is shown in green', () => {
  const states = [
    'starting',
    'unknown',
    'unchecked',
    'unhealthy',
    'ejected',
    'probation',
    'half_open',
    'draining',
  ] as const;
  assert.deepEqual(
    states.map((state) => endpointTone({ state, weight: 1, last_minute: figures(1, 0) })),
    ['warn', 'idle', 'idle', 'bad', 'bad', 'warn', 'warn', 'warn'],
  );
  assert.equal(endpointTone({ state: 'healthy', weight: 1, last_minute: figures(990, 10) }), 'good');
  assert.equal(endpointTone({ state: 'healthy', weight: 1, last_minute: figures(900, 100) }), 'warn');
  assert.equal(endpointTone({ state: 'healthy', weight: 0, last_minute: figures(0, 0) }), 'idle');
});

test('an endpoint without checks is a warning while its requests fail', () => {
  const tone = (failed: number): Tone =>
    endpointTone({ state: 'unchecked', weight: 1, last_minute: figures(100, failed) });
  assert.deepEqual([tone(0), tone(1), tone(2)], ['idle', 'idle', 'warn']);
});
