import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Alert, AlertTargetSpec } from '../core/alert.ts';
import { headline } from './alert-json.ts';
import { AlertLedger } from './alert-ledger.ts';
import { alertSample, targetSample } from './alert-samples.test-support.ts';

const minute = 60_000;
const grownEveryMs = 10 * minute;

/** What a target is sent of alerts that come one after the other: 'change@minute', or '-'. */
function sentOf(
  alerts: readonly (Partial<Alert> & { readonly minute?: number })[],
  target: Partial<AlertTargetSpec> = {},
): string[] {
  const ledger = new AlertLedger();
  return alerts.map(({ minute: at = 0, ...alert }) => {
    const decision = ledger.decide(
      { ...alertSample, ...alert, at: alertSample.at + at * minute },
      { target: { ...targetSample, ...target }, grownEveryMs },
    );
    return decision.send ? `${decision.alert.change}@${(decision.dueAt - alertSample.at) / minute}` : '-';
  });
}

const opened = { change: 'opened' } as const;
const grown = { change: 'grown' } as const;
const corrected = { change: 'corrected' } as const;
const resolved = { change: 'resolved' } as const;

const disk = { change: 'opened', kind: 'disk', key: 'disk:/var', about: 'disk:/var' } as const;

const cases: readonly (readonly [
  promise: string,
  alerts: Parameters<typeof sentOf>[0],
  sent: readonly string[],
  target?: Partial<AlertTargetSpec>,
])[] = [
  [
    'one message for each change',
    [opened, { ...grown, minute: 11 }, { ...resolved, minute: 20 }],
    ['opened@0', 'grown@11', 'resolved@20'],
  ],
  ['nothing is opened twice', [opened, opened, { ...opened, minute: 60 }], ['opened@0', '-', '-']],
  ['what grows waits until the time is over', [opened, { ...grown, minute: 1 }], ['opened@0', 'grown@10']],
  [
    'what grows while such a message waits does not make it later',
    [opened, { ...grown, minute: 1 }, { ...grown, minute: 9 }, { ...grown, minute: 12 }],
    ['opened@0', 'grown@10', 'grown@10', 'grown@20'],
  ],
  [
    'a worse severity does not wait',
    [
      { ...opened, severity: 'warning' },
      { ...grown, minute: 1, severity: 'critical' },
    ],
    ['opened@0', 'grown@1'],
  ],
  [
    'another cause is told at once to whom the first one was told, although it has just grown',
    [{ ...corrected }, opened, { ...grown, minute: 1 }, { ...corrected, minute: 2 }, { ...resolved, minute: 3 }],
    ['-', 'opened@0', 'grown@10', 'corrected@2', 'resolved@3'],
  ],
  ['what is over and was not reported is not sent', [resolved], ['-']],
  [
    'an incident goes on with the alert about the outage of its upstream, whose end is then not reported besides',
    [
      { ...opened, kind: 'upstream', key: 'upstream:shop', about: 'upstream:shop', upstreams: ['shop'] },
      { ...opened, minute: 1, upstreams: ['shop'] },
      { ...resolved, minute: 2, kind: 'upstream', key: 'upstream:shop', about: 'upstream:shop', upstreams: ['shop'] },
      { ...resolved, minute: 3, upstreams: ['shop'] },
    ],
    ['opened@0', 'grown@1', '-', 'resolved@3'],
  ],
  [
    'an incident of another upstream is another alert',
    [
      { ...opened, kind: 'upstream', key: 'upstream:shop', about: 'upstream:shop', upstreams: ['shop'] },
      { ...opened, minute: 1, upstreams: ['pay'] },
    ],
    ['opened@0', 'opened@1'],
  ],
  [
    'after its end it can be opened again',
    [opened, resolved, { ...opened, minute: 1 }],
    ['opened@0', 'resolved@0', 'opened@1'],
  ],
  [
    'a target for severe things is told when one becomes severe, and of its end',
    [
      { ...opened, severity: 'warning' },
      { ...grown, minute: 2, severity: 'critical' },
      { ...resolved, minute: 3, severity: 'info' },
    ],
    ['-', 'opened@2', 'resolved@3'],
    { severityMin: 'critical' },
  ],
  ['a target gets only its kinds', [opened], ['-'], { kinds: ['disk'] }],
  [
    'a target gets only its changes',
    [opened, { ...grown, minute: 20 }, resolved],
    ['opened@0', '-', '-'],
    { changes: ['opened'] },
  ],
  [
    'a target gets only its upstreams',
    [opened, { ...opened, key: 'b', upstream: 'web', upstreams: ['web'] }],
    ['-', 'opened@0'],
    { upstreams: ['web'] },
  ],
  [
    'what is of several upstreams goes to the targets of each',
    [{ ...opened, upstream: null, upstreams: ['api', 'web'] }],
    ['opened@0'],
    { upstreams: ['web'] },
  ],
  [
    'a target gets only its routes',
    [opened, { ...opened, key: 'b', routes: ['/', '/shop'] }],
    ['-', 'opened@0'],
    { routes: ['/shop'] },
  ],
  [
    'what is of no upstream and no route concerns every target',
    [{ ...opened, upstream: null, upstreams: [], routes: [] }],
    ['opened@0'],
    { upstreams: ['web'], routes: ['/shop'] },
  ],
  [
    'an incident that comes and goes is over when it stays away for a minute, is told of at the third time, and is then held until it lasts',
    [
      opened,
      { ...resolved, minute: 1 },
      { ...opened, key: 'b', minute: 2 },
      { ...resolved, key: 'b', minute: 2.5 },
      { ...opened, key: 'c', minute: 3 },
      { ...resolved, key: 'c', minute: 3.5 },
      { ...opened, key: 'd', minute: 4 },
      { ...resolved, key: 'd', minute: 4.5 },
      { ...opened, key: 'e', minute: 10 },
      { ...resolved, key: 'e', minute: 10.5 },
    ],
    ['opened@0', 'resolved@1', 'opened@2', 'resolved@3.5', '-', 'resolved@4.5', 'grown@4', 'resolved@5.5', '-', '-'],
  ],
  [
    'what else comes and goes is over when it stays away, each time for longer, and is told of at the third and sixth time',
    [
      { ...disk, minute: 0 },
      { ...disk, ...resolved, minute: 1 },
      { ...disk, minute: 2 },
      { ...disk, ...resolved, minute: 2.5 },
      { ...disk, minute: 3 },
      { ...disk, ...resolved, minute: 3.5 },
      { ...disk, minute: 5 },
      { ...disk, ...resolved, minute: 5.5 },
      { ...disk, minute: 10 },
      { ...disk, ...resolved, minute: 10.5 },
    ],
    [
      'opened@0',
      'resolved@1',
      'opened@2',
      'resolved@3.5',
      '-',
      'resolved@5.5',
      'grown@5',
      'resolved@9.5',
      'opened@10',
      'resolved@18.5',
    ],
  ],
  [
    'what is worse when it comes again is told at once',
    [
      { ...opened, severity: 'warning' },
      resolved,
      { ...opened, severity: 'warning' },
      resolved,
      { ...opened, key: 'b', severity: 'critical' },
    ],
    ['opened@0', 'resolved@0', 'opened@0', 'resolved@1', 'grown@0'],
  ],
  [
    'something else that fails besides does not wait',
    [opened, { ...grown, steps: ['addition 1'], minute: 1 }, { ...grown, steps: ['addition 1'], minute: 2 }],
    ['opened@0', 'grown@1', 'grown@11'],
  ],
  [
    'each step is sent once',
    [
      { ...opened, steps: ['21 days'] },
      { ...opened, steps: ['21 days'], minute: 60 },
      { ...opened, steps: ['21 days', '7 days'], minute: 90 },
    ],
    ['opened@0', '-', 'grown@90'],
  ],
  [
    'each step is sent once, also where those of two things alternate',
    [
      { ...opened, steps: ['failed'] },
      { ...opened, steps: ['21 days'], minute: 1 },
      { ...opened, steps: ['failed'], minute: 2 },
      { ...opened, steps: ['21 days'], minute: 3 },
    ],
    ['opened@0', 'grown@1', '-', '-'],
  ],
  [
    'what recovers step by step is not worse, nor what then is as bad as before',
    [
      { ...opened, severity: 'warning', steps: ['slow'] },
      { ...opened, minute: 1, steps: ['slow', 'medium', 'fast'] },
      { ...opened, minute: 12, steps: ['slow', 'medium'] },
      { ...opened, minute: 24, severity: 'warning', steps: ['slow'] },
      { ...opened, minute: 36, steps: ['slow', 'medium', 'fast'] },
      { ...resolved, minute: 48 },
    ],
    ['opened@0', 'grown@1', '-', '-', '-', 'resolved@48'],
  ],
  [
    'an incident that goes on in the next process is not worse because it has no additions there',
    [opened, { ...grown, steps: ['addition 1'], minute: 1 }, { ...opened, minute: 2 }],
    ['opened@0', 'grown@1', '-'],
  ],
];

describe('a target is sent', () => {
  for (const [promise, alerts, sent, target] of cases)
    test(promise, () => assert.deepEqual(sentOf(alerts, target), sent));
});

describe('an incident that follows a similar one', () => {
  const settings = { target: targetSample, grownEveryMs };
  /** Two that came and went: the end of the second one waits until second 100. */
  function flapped(): { ledger: AlertLedger; say: (second: number, alert: Partial<Alert>) => string[] } {
    const ledger = new AlertLedger();
    const say = (second: number, alert: Partial<Alert>): string[] => {
      const whole = { ...alertSample, cause: 'pool_leak', ...alert, at: alertSample.at + second * 1000 };
      const { before, ...decision } = ledger.decide(whole, settings);
      const sent = [...(before === undefined ? [] : [before]), ...(decision.send ? [decision.alert] : [])];
      return sent.map(({ key, change }) => `${key} ${change}`);
    };
    for (const [second, change, key] of [
      [0, 'opened', 'a'],
      [10, 'resolved', 'a'],
      [20, 'opened', 'b'],
      [40, 'resolved', 'b'],
    ] as const)
      say(second, { change, key });
    return { ledger, say };
  }

  test('is told at once if its cause, or a route, is another one, after the end of that', () => {
    assert.deepEqual(flapped().say(59, { key: 'c', cause: 'crash' }), ['b resolved', 'c opened']);
    assert.deepEqual(flapped().say(59, { key: 'c', routes: ['/api', '/pay'] }), ['b resolved', 'c opened']);
    assert.deepEqual(flapped().say(150, { key: 'c', cause: 'crash' }), ['c opened']);
    assert.deepEqual(flapped().say(59, { key: 'c', about: 'incident:api:slower' }), ['c opened']);
  });

  test('is held if it is the same, and told when another cause of it is found', () => {
    const { ledger, say } = flapped();
    assert.deepEqual(say(59, { key: 'c' }), []);
    assert.deepEqual(ledger.held, ['c']);
    assert.deepEqual(say(70, { key: 'c', change: 'grown' }), []);
    assert.deepEqual(say(80, { key: 'c', cause: 'crash' }), ['b resolved', 'c opened']);
    assert.deepEqual(ledger.held, []);
    assert.deepEqual(say(90, { key: 'c', change: 'resolved' }), ['c resolved']);
  });

  test('is held also where the end of the one before was sent, and then has no end of its own', () => {
    const { ledger, say } = flapped();
    assert.deepEqual(say(200, { key: 'c' }), []);
    assert.deepEqual(new AlertLedger(ledger.open).held, ['c']);
    assert.deepEqual(say(250, { key: 'c', change: 'resolved' }), []);
  });

  test('is not told to a target for severe things where it is none, which is told of the end of the one before', () => {
    const severe = { target: { ...targetSample, severityMin: 'critical' as const } };
    const { ledger, say } = flapped();
    say(59, { key: 'c' });
    const { send, before } = ledger.lasts({ ...alertSample, key: 'c', severity: 'warning' }, severe);
    assert.deepEqual([send, before?.key, before?.change, ledger.held], [false, 'b', 'resolved', []]);
  });
});

test('a target is told of the end of what has come again by the key that it knows, and how often it came', () => {
  const settings = { target: targetSample, grownEveryMs };
  const ledger = new AlertLedger();
  const at = (minutes: number, change: Alert['change'], key: string) =>
    ledger.decide({ ...alertSample, change, key, at: alertSample.at + minutes * minute }, settings);
  at(0, 'opened', 'a');
  at(1, 'resolved', 'a');
  at(2, 'opened', 'b');
  at(3, 'resolved', 'b');
  assert.deepEqual(at(3.5, 'opened', 'c'), { send: false, withdraws: 'b' });
  const next = new AlertLedger(ledger.open);
  const end = next.decide({ ...alertSample, change: 'resolved', key: 'c', at: alertSample.at + 4 * minute }, settings);
  assert.equal(end.send && end.alert.key, 'b');
  const again = at(4, 'resolved', 'c');
  assert.match(again.send ? again.alert.text : '', /It has come and gone 3 times in 10 min\.$/);
});

test('what comes again, and is no worse, is not said to be worse', () => {
  const settings = { target: targetSample, grownEveryMs };
  const ledger = new AlertLedger();
  const said: string[] = [];
  for (let time = 0; time < 4; time += 1)
    for (const change of ['opened', 'resolved'] as const) {
      const at = alertSample.at + (2 * time + (change === 'opened' ? 0 : 1)) * 10_000;
      const decision = ledger.decide({ ...alertSample, change, at }, settings);
      if (decision.send) said.push(headline(decision.alert).split(': ')[0] ?? '');
    }
  assert.deepEqual(said, [
    ...['[shop] Critical', '[shop] Resolved', '[shop] Critical', '[shop] Resolved'],
    ...['[shop] Resolved', '[shop] Again', '[shop] Resolved'],
  ]);
});

test('what a target was told is known to the ledger of the next process', () => {
  const settings = { target: targetSample, grownEveryMs };
  const first = new AlertLedger();
  first.decide(alertSample, settings);
  const next = new AlertLedger(first.open);
  assert.equal(next.decide(alertSample, settings).send, false);
  assert.equal(next.decide({ ...alertSample, change: 'resolved' }, settings).send, true);
});

test('a ledger is bounded, and forgets what was never resolved', () => {
  const ledger = new AlertLedger();
  const settings = { target: targetSample, grownEveryMs };
  for (let number = 0; number < 3000; number += 1) ledger.decide({ ...alertSample, key: `${number}` }, settings);
  assert.equal(ledger.open.size, 1000);
  ledger.decide({ ...alertSample, key: 'late', at: alertSample.at + 31 * 86_400_000 }, settings);
  assert.deepEqual([...ledger.open.keys()], ['late']);
});
