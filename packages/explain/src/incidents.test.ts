import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failure } from './engine.test-support.ts';
import { faultKeysOf } from './fault-counts.ts';
import type { Finding } from './finding.ts';
import { type IncidentGroup, Incidents, largestIncidents } from './incidents.ts';
import type { Incident } from './summary-report.ts';

const start = Date.UTC(2026, 10, 21, 10);

const at = (second: number, changes: Partial<Finding> = {}): Finding =>
  failure({ atMs: start + second * 1000, ...changes });
const reset = { shape: 'reset', type: 'connection_terminated', stage: 'response' } as const;
const slow = { shape: 'too_slow', type: 'http_response_timeout', stage: 'response' } as const;
const unclear = { shape: 'unknown', type: null, stage: null, upstream: null } as const;
const consequence = {
  shape: 'refused_by_gateway',
  type: 'destination_unavailable',
  stage: 'route',
  upstream: 'app',
  isConsequence: true,
} as const;

/** Adds failures in this order, and remembers in which incident each one is. */
class Counted {
  readonly incidents = new Incidents();
  readonly #groups = new Map<Finding, IncidentGroup | null>();
  #line = 0;

  add(...findings: readonly Finding[]): this {
    for (const finding of findings) {
      this.#line += 1;
      const reference = { file: 'error.log', line: this.#line, text: `line ${this.#line}` };
      this.#groups.set(finding, this.incidents.add(finding, faultKeysOf(finding), reference));
    }
    return this;
  }

  remove(...findings: readonly Finding[]): this {
    for (const finding of findings) {
      const group = this.#groups.get(finding) ?? null;
      assert.notEqual(group, null);
      if (group !== null) this.incidents.remove(finding, faultKeysOf(finding), group);
    }
    return this;
  }

  report(): readonly Incident[] {
    return this.incidents.report();
  }
}

const counted = (...findings: readonly Finding[]): Counted => new Counted().add(...findings);

/** Failures, consequences, and the shapes of the parts with their counts. */
function shown(incidents: readonly Incident[]): unknown {
  return incidents.map(({ count, consequences, parts }) => [
    count,
    consequences,
    parts.map((part) => `${part.count} ${part.shape}`).join(', '),
  ]);
}

const rows: readonly (readonly [why: string, findings: readonly Finding[], shown: unknown])[] = [
  ['a failure without a time belongs to none', [failure({ atMs: null })], []],
  ['resets and refusals of one endpoint are one', [at(0, reset), at(1), at(2)], [[3, 0, '1 reset, 2 unreachable']]],
  [
    'timeouts and refusals of one endpoint are two',
    [at(0, slow), at(1)],
    [
      [1, 0, '1 too_slow'],
      [1, 0, '1 unreachable'],
    ],
  ],
  ['a failure a minute after the last one belongs to it', [at(0), at(60)], [[2, 0, '2 unreachable']]],
  [
    'a failure more than a minute after the last one begins another',
    [at(0), at(61)],
    [
      [1, 0, '1 unreachable'],
      [1, 0, '1 unreachable'],
    ],
  ],
  [
    'endpoints of a gateway that fail within two seconds of each other fail together',
    [at(0), at(2, { upstream: '10.0.0.2:8080' })],
    [[2, 0, '2 unreachable']],
  ],
  [
    'endpoints that fail three seconds after each other do not',
    [at(0), at(3, { upstream: '10.0.0.2:8080' })],
    [
      [1, 0, '1 unreachable'],
      [1, 0, '1 unreachable'],
    ],
  ],
  [
    'endpoints of other gateways never do',
    [at(0), at(0, { gateway: 'haproxy' })],
    [
      [1, 0, '1 unreachable'],
      [1, 0, '1 unreachable'],
    ],
  ],
  [
    'a consequence belongs to the last one of its gateway',
    [at(0), at(60, consequence)],
    [[1, 1, '1 unreachable, 1 refused_by_gateway']],
  ],
  [
    'a consequence belongs to no incident of another gateway',
    [at(0, { gateway: 'haproxy' }), at(1, consequence)],
    [
      [1, 0, '1 unreachable'],
      [0, 1, '1 refused_by_gateway'],
    ],
  ],
];

describe('incidents', () => {
  for (const [why, findings, expected] of rows)
    it(why, () => assert.deepEqual(shown(counted(...findings).report()), expected));

  it('begin with the earliest line, in whatever order lines come', () => {
    const [incident] = counted(at(5), at(3), at(4)).report();
    assert.deepEqual([incident?.startMs, incident?.endMs, incident?.root.line], [start + 3000, start + 5000, 2]);
  });

  it('begin with a cause rather than with a consequence', () => {
    const full = { ...consequence, type: 'connection_limit_reached' } as const;
    const counts = counted(at(0, full));
    assert.deepEqual([counts.report()[0]?.root.line, counts.report()[0]?.root.isConsequence], [1, true]);
    counts.add(at(1, { ...full, isConsequence: false }));
    assert.deepEqual([counts.report()[0]?.root.line, counts.report()[0]?.root.isConsequence], [2, false]);
  });

  it('are reported from five failures on, or if they are explained; the largest ones', () => {
    const one = counted(at(0), at(1), at(2), at(3)).report()[0] as Incident;
    const report = (incidents: readonly Incident[]): unknown =>
      largestIncidents(incidents, { kinds: 0, count: 0 }).incidents.map(({ count }) => count);
    assert.deepEqual(report([one]), []);
    assert.deepEqual(report([{ ...one, count: 5 }]), [5]);
    const cause = {
      confidence: 'likely',
      reason: '',
      source: 'kernel',
      kind: 'oom_kill',
      atMs: 0,
      sentence: '',
    } as const;
    assert.deepEqual(report([{ ...one, cause: { ...cause, fix: null, file: null, line: 1, text: '' } }]), [4]);
    const many = Array.from({ length: 25 }, (_, i) => ({ ...one, count: 100 + i, startMs: i }));
    const { incidents, leftOut } = largestIncidents(many, { kinds: 1, count: 3 });
    assert.equal(incidents.length, 20);
    assert.deepEqual(leftOut, { kinds: 6, count: 3 + 100 + 101 + 102 + 103 + 104 });
  });

  it('stay bounded, and the largest ones are kept', () => {
    const counts = new Counted();
    const upstream = (i: number): Partial<Finding> => ({ upstream: `10.${i >> 8}.${i & 255}.1:80` });
    for (let i = 0; i < 9; i++) counts.add(at(i / 10, upstream(0)));
    for (let i = 1; i < 5000; i++) counts.add(at(i * 100, upstream(i)));
    const report = counts.report();
    assert.ok(report.length <= 3000);
    assert.equal(report[0]?.count, 9);
  });
});

/** What is left after some were removed. */
const removals: readonly (readonly [
  why: string,
  added: readonly Finding[],
  removed: readonly number[],
  shown: unknown,
])[] = [
  ['the only one', [at(0)], [0], []],
  ['one of several', [at(0), at(1), at(2)], [1], [[2, 0, '2 unreachable']]],
  ['the last of a kind', [at(0, reset), at(1)], [0], [[1, 0, '1 unreachable']]],
  [
    'a consequence in the incident of its cause',
    [at(0), at(1, consequence), at(2, consequence)],
    [1],
    [[1, 1, '1 unreachable, 1 refused_by_gateway']],
  ],
  ['all consequences of a cause', [at(0), at(1, consequence), at(2, consequence)], [1, 2], [[1, 0, '1 unreachable']]],
  ['a cause with a consequence', [at(0), at(1, consequence)], [0], [[0, 1, '1 refused_by_gateway']]],
  [
    'one of an incident that has ended',
    [at(0), at(1), at(100), at(101)],
    [0],
    [
      [1, 0, '1 unreachable'],
      [2, 0, '2 unreachable'],
    ],
  ],
  ['one of another kind at no endpoint', [at(0, unclear), at(1, unclear), at(2)], [0, 1], [[1, 0, '1 unreachable']]],
];

describe('a failure that turned out to be none is removed from its incident', () => {
  for (const [why, added, removed, expected] of removals)
    it(why, () => {
      const counts = counted(...added).remove(...removed.map((index) => added[index] as Finding));
      assert.deepEqual(shown(counts.report()), expected);
    });

  it('which then begins with another kind, a cause rather than a consequence', () => {
    const added = [at(0, reset), at(1, consequence), at(2)] as const;
    const [incident] = counted(...added)
      .remove(added[0])
      .report();
    assert.deepEqual([incident?.root.line, incident?.shape], [3, 'unreachable']);
  });

  it('which then begins with the next one', () => {
    const added = [at(0), at(1)] as const;
    const [incident] = counted(...added)
      .remove(added[0])
      .add(at(2))
      .report();
    assert.deepEqual([incident?.root.line, incident?.count], [3, 2]);
  });

  it('and keeps the order of its kinds if it turns out to be one after all', () => {
    const added = [at(0, reset), at(0)] as const;
    const report = counted(...added)
      .remove(added[0])
      .add(at(0, reset))
      .report();
    assert.deepEqual(shown(report), [[2, 0, '1 reset, 1 unreachable']]);
  });

  it('and an empty incident does not last', () => {
    const only = at(0);
    const [incident] = counted(only).remove(only).add(at(30)).report();
    assert.deepEqual([incident?.startMs, incident?.root.line], [start + 30_000, 2]);
  });
});
