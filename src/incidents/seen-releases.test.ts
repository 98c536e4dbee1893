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
