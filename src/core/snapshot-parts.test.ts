import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RouteSpec } from './route-spec.ts';
import type { Snapshot, UpstreamSnapshot } from './snapshot.ts';
import { splitSnapshot, partMax, type SnapshotPart } from './snapshot-parts.ts';

function snapshotOf(routes: number, endpointsOf: readonly number[]): Snapshot {
  return {
    revision: 7,
    routes: Array.from({ length: routes }, (_, index) => ({ id: `r${index}` }) as unknown as RouteSpec),
    upstreams: endpointsOf.map(
      (count, position) =>
        ({
          id: `u${position}`,
          endpoints: Array.from({ length: count }, (_, index) => ({ id: `u${position}/${index}` })),
        }) as unknown as UpstreamSnapshot,
    ),
  } as unknown as Snapshot;
}

const sizeOf = ({ upstreams, routes }: SnapshotPart): number =>
  routes.length + upstreams.reduce((sum, { endpoints }) => sum + Math.max(1, endpoints.length), 0);

/** Joins parts like a worker. */
function joined(parts: readonly SnapshotPart[]) {
  const upstreams: { id: string; endpoints: string[] }[] = [];
  for (const { id, endpoints } of parts.flatMap((part) => part.upstreams)) {
    const ids = endpoints.map((endpoint) => endpoint.id as string);
    const last = upstreams.at(-1);
    if (last?.id === id) last.endpoints.push(...ids);
    else upstreams.push({ id, endpoints: ids });
  }
  return { upstreams, routes: parts.flatMap((part) => part.routes.map(({ id }) => id as string)) };
}

describe('a snapshot', () => {
  test('that is small is sent to a worker in one message', () => {
    const snapshot = snapshotOf(20, [15, 15]);
    assert.deepEqual(splitSnapshot(snapshot), { snapshot, parts: [] });
  });

  for (const [what, routes, endpointsOf] of [
    ['of many routes', 5000, [1]],
    ['of many small upstreams', 1, Array.from({ length: 300 }, () => 7)],
    ['of one large upstream between small ones', 150, [3, 1000, 3]],
    ['of upstreams without endpoints', 0, Array.from({ length: 250 }, () => 0)],
    ['of upstreams that fill a part exactly', 10, [100, 50, 50, 25, 25, 100]],
  ] as const) {
    test(`${what} is sent in small parts that together are the whole in its order`, () => {
      const whole = snapshotOf(routes, endpointsOf);
      const { snapshot, parts } = splitSnapshot(whole);
      assert.deepEqual([snapshot.revision, snapshot.routes, snapshot.upstreams], [7, [], []]);
      for (const part of parts) assert.ok(sizeOf(part) > 0 && sizeOf(part) <= partMax, `${sizeOf(part)}`);
      const { upstreams, routes: ids } = joined(parts);
      assert.deepEqual(
        ids,
        whole.routes.map(({ id }) => id),
      );
      assert.deepEqual(upstreams, joined([whole]).upstreams);
      const firstRoute = parts.findIndex((part) => part.routes.length > 0);
      assert.ok(firstRoute < 0 || parts.slice(firstRoute).every((part) => part.upstreams.length === 0));
    });
  }
});
