import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../core/event.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import { SeenReleases } from './seen-releases.ts';

const applied = (revision: number): Event =>
  ({ kind: 'configuration_applied', subject: 'gateway', revision, evidence: { changed: [] } }) as unknown as Event;

const started = (name: string, revision: number): Event =>
  ({ kind: 'instance_started', subject: `instance:${name}`, revision, evidence: {} }) as unknown as Event;

const outcomes = (instance: string, successes: number, failures = 0): EndpointOutcomes =>
  ({
    ...{ upstream: 'api', endpoint: `api/${instance}/127.0.0.1:40100`, successes, serverErrors: 0 },
    causes: failures === 0 ? [] : [{ cause: 'connect_refused', count: failures }],
  }) as unknown as EndpointOutcomes;

const attemptsOf = (seen: SeenReleases): readonly (readonly [revision: number, attempts: number])[] =>
  seen.revisions.map(({ revision, attempts }) => [revision, attempts.get('api') ?? 0]);

test('attempts are counted for the configuration that is active, not those that may have come before it', () => {
  const seen = new SeenReleases();
  seen.count(outcomes('web/1', 5), 0);
  seen.onEvent(applied(1), 1000);
  seen.count(outcomes('web/1', 7), 2500);
  seen.count(outcomes('web/1', 20, 3), 3000);
  seen.onEvent(applied(2), 4000);
  seen.count(outcomes('web/1', 2), 9000);
  assert.deepEqual(attemptsOf(seen), [
    [1, 23],
    [2, 2],
  ]);
});

test('attempts at older instances are not counted for a release that has started its own', () => {
  const seen = new SeenReleases();
  seen.onEvent(applied(1), 0);
  seen.onEvent(started('web/1', 1), 0);
  seen.onEvent(applied(2), 10_000);
  seen.onEvent(started('web/2', 2), 10_000);
  seen.count(outcomes('web/1', 50), 20_000);
  assert.deepEqual(attemptsOf(seen).at(-1), [2, 0]);
  seen.count(outcomes('web/2', 4), 30_000);
  assert.deepEqual(attemptsOf(seen).at(-1), [2, 4]);
});

test('attempts with the last 40 configurations are known', () => {
  const seen = new SeenReleases();
  for (let revision = 1; revision <= 42; revision++) {
    seen.onEvent(applied(revision), revision * 10_000);
    seen.count(outcomes('web/1', 1), revision * 10_000 + 5000);
  }
  const counts = attemptsOf(seen).map(([, attempts]) => attempts);
  assert.deepEqual(counts, [0, 0, ...new Array<number>(40).fill(1)]);
});

test('instances of a release that was refused have not served; those of others have, or may have', () => {
  const seen = new SeenReleases();
  const rollout = (release: string, before: string, to: string, share: number): void =>
    seen.onEvent(
      {
        kind: 'rollout',
        subject: 'application:web',
        to,
        evidence: { application: 'web', release, before, share },
      } as unknown as Event,
      0,
    );
  const startedOf = (name: string, release: string | null): void =>
    seen.onEvent({ ...started(name, 1), evidence: { release } } as unknown as Event, 0);
  for (const [name, release] of [
    ['1', null],
    ['2', 'p2'],
    ['3', 'p3'],
    ['4', 'p4'],
    ['5', 'p5'],
  ] as const)
    startedOf(`web/${name}`, release);
  rollout('p3', 'p2', 'starting', 0);
  rollout('p3', 'p2', 'refused', 0);
  rollout('p4', 'p2', 'starting', 0);
  const served = (): readonly string[] =>
    ['1', '2', '3', '4', '5', '9'].filter((name) => seen.hasServed(`web/${name}`));
  assert.deepEqual(served(), ['1', '2', '5', '9']);
  // A canary whose requests are chosen has no share.
  rollout('p4', 'p2', 'shifting', 0);
  assert.deepEqual(served(), ['1', '2', '4', '5', '9']);
});
