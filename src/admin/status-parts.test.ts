import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../../test/properties.ts';
import { changesSince, partsOf } from './status-parts.ts';

const upstream = (id: string, sinceS: number, state = 'healthy') => ({ id, endpoints: [{ state, since_s: sinceS }] });

type Expected = { readonly members: object | null; readonly elements: object | null };
const parsed = (json: string | null): object | null => (json === null ? null : (JSON.parse(json) as object));

const changed = upstream('b', 0, 'unhealthy');
const rows: readonly (readonly [what: string, before: object, now: object, whole: Expected, byElement?: Expected])[] = [
  ['what was not sent before', {}, { a: [1], b: 2 }, { members: { a: [1], b: 2 }, elements: null }],
  ['the same', { a: [1] }, { a: [1] }, { members: null, elements: null }],
  ['another member', { a: [1], b: { c: 2 } }, { a: [1], b: { c: 3 } }, { members: { b: { c: 3 } }, elements: null }],
  [
    'what has only grown older',
    { uptime_s: 1, last_minute: { seconds: 58.5, requests: 0 }, upstreams: [upstream('a', 1)] },
    { uptime_s: 2, last_minute: { seconds: 55, requests: 0 }, upstreams: [upstream('a', 2)] },
    { members: null, elements: null },
  ],
  [
    'an age where there was none',
    { a: { since_s: null } },
    { a: { since_s: 0 } },
    { members: { a: { since_s: 0 } }, elements: null },
  ],
  [
    'a text that looks like an age',
    { a: '"since_s":1' },
    { a: '"since_s":2' },
    { members: { a: '"since_s":2' }, elements: null },
  ],
  [
    'one element of two',
    { upstreams: [upstream('a', 1), upstream('b', 1)] },
    { upstreams: [upstream('a', 2), changed] },
    { members: { upstreams: [upstream('a', 2), changed] }, elements: null },
    { members: null, elements: { upstreams: [changed] } },
  ],
  [
    'an element that has come',
    { upstreams: [upstream('a', 1)] },
    { upstreams: [upstream('a', 1), changed] },
    { members: { upstreams: [upstream('a', 1), changed] }, elements: null },
  ],
  [
    'elements that have moved',
    { a: [{ id: 1 }, { id: 2 }] },
    { a: [{ id: 2 }, { id: 1 }] },
    { members: { a: [{ id: 2 }, { id: 1 }] }, elements: null },
  ],
  [
    'elements of the same id',
    { a: [{ id: 1 }, { id: 1 }] },
    { a: [{ id: 1 }, { id: 1, b: 2 }] },
    { members: { a: [{ id: 1 }, { id: 1, b: 2 }] }, elements: null },
  ],
  ['elements that are gone', { a: [{ id: 1 }] }, { a: [] }, { members: { a: [] }, elements: null }],
];

for (const [what, before, now, whole, byElement = whole] of rows)
  test(`${what}: what is sent of it`, () => {
    for (const [isByElement, expected] of [
      [false, whole],
      [true, byElement],
    ] as const) {
      const { members, elements } = changesSince(partsOf(before), partsOf(now), isByElement);
      assert.deepEqual({ members: parsed(members), elements: parsed(elements) }, expected, `${isByElement}`);
    }
  });

test('a reader that takes all changes has what a new one is sent, ages apart', () => {
  interface Element {
    readonly id: number;
  }
  const element = fc.record({ id: fc.nat(4), state: fc.constantFrom('up', 'down'), since_s: fc.nat(9) });
  const status = fc.record({
    list: fc.array(element, { maxLength: 4 }),
    uptime_s: fc.nat(9),
    name: fc.constantFrom('x', 'y'),
  });
  const ageless = (json: string): string => json.replace(/"(since_s|uptime_s)":\d+/g, '"$1":0');
  fc.assert(
    fc.property(fc.array(status, { minLength: 1, maxLength: 8 }), (all) => {
      let sent = partsOf({});
      let held: Record<string, unknown> = {};
      for (const now of all) {
        const parts = partsOf(now);
        const { members, elements } = changesSince(sent, parts, true);
        sent = parts;
        held = { ...held, ...parsed(members) };
        for (const [name, list] of Object.entries(parsed(elements) ?? {}) as [string, Element[]][])
          held[name] = (held[name] as Element[]).map((one) => list.find(({ id }) => id === one.id) ?? one);
        assert.equal(ageless(JSON.stringify(held)), ageless(JSON.stringify(now)));
      }
    }),
  );
});
