import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Configuration } from '../core/configuration.ts';
import { changesBetween } from '../control/changes.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { concerns } from './suspect-facts.ts';

type Route = Readonly<Record<string, unknown>> & { readonly id: string };

const configurationOf = (routes: readonly Route[]): Configuration =>
  ({
    routes,
    upstreams: [],
    applications: [],
    unrouted: { errorPages: {}, disclosure: 'public' },
  }) as unknown as Configuration;

const before = ['/rep', '/slow', '/other'].map((id) => ({ id, timeouts: 5000, buffer: 1, match: id }));

describe('a change of routes concerns an incident of one of them, whatever was changed there', () => {
  const cases: readonly (readonly [change: object, routes: readonly string[], of: string, isConcerned: boolean])[] = [
    [{ timeouts: 500 }, ['/rep', '/slow'], '/rep', true],
    [{ timeouts: 500 }, ['/rep', '/slow'], '/slow', true],
    [{ timeouts: 500 }, ['/rep', '/slow'], '/other', false],
    [{ timeouts: 500, buffer: 2 }, ['/rep', '/slow'], '/rep', true],
    [{ timeouts: 500, buffer: 2 }, ['/rep', '/slow'], '/slow', true],
    [{ timeouts: 500, buffer: 2 }, ['/rep', '/slow'], 'buffer)', false],
    [{ match: 'x' }, ['/rep', '/slow'], '/slow', true],
    [{ timeouts: 500 }, ['/rep'], '/re', false],
    [{ timeouts: 500 }, ['/rep', '/slow', '/other'], '/slow', true],
  ];
  for (const [change, changed, of, isConcerned] of cases)
    test(`${Object.keys(change).join(', ')} of ${changed.join(', ')}: ${of} ${isConcerned ? 'is' : 'is not'} concerned`, async () => {
      const now = before.map((route) => (changed.includes(route.id) ? { ...route, ...change } : route));
      const parts = await changesBetween(configurationOf(before), configurationOf(now), new SimulatedClock());
      assert.equal(
        parts.some((part) => concerns(part, 'app', [of])),
        isConcerned,
        parts.join('; '),
      );
    });
});

test('how releases of its application are rolled out concerns no incident', async () => {
  const configuration = (bakeMs: number, limits: number): Configuration =>
    ({
      ...configurationOf(before),
      upstreams: [{ id: 'app', features: { releases: { bakeMs }, limits } }],
    }) as unknown as Configuration;
  const isConcerned = async (now: Configuration): Promise<boolean> => {
    const parts = await changesBetween(configuration(1, 1), now, new SimulatedClock());
    return parts.some((part) => concerns(part, 'app', []));
  };
  assert.deepEqual([await isConcerned(configuration(2, 1)), await isConcerned(configuration(1, 2))], [false, true]);
});
