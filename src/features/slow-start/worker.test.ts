import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeatureScope } from '../../core/feature.ts';
import type { FeaturePorts } from '../worker-feature.ts';
import { slowStart } from './worker.ts';

test('a reload that leaves the time as it is keeps the balancers with what they count, and another time replaces them', () => {
  const scope: FeatureScope = { kind: 'upstream', id: 'app', upstream: 'app' };
  const ports = { random: { next: () => 0 } } as unknown as FeaturePorts;
  const first = slowStart.prepare(scope, { rampMs: 5 }, ports, null);
  assert.equal(
    slowStart.prepare(scope, { rampMs: 5 }, ports, first).hooks.priorityBalancer,
    first.hooks.priorityBalancer,
  );
  const other = slowStart.prepare(scope, { rampMs: 6 }, ports, first);
  assert.notEqual(other.hooks.priorityBalancer, first.hooks.priorityBalancer);
});
