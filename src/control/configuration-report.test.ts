import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Configuration } from '../core/configuration.ts';
import { ReturnedSettings } from './configuration-report.ts';

const configuration = (web: string, api = '1', others: readonly string[] = []): Configuration =>
  ({
    applications: [{ id: 'web', command: [web] }],
    upstreams: [{ id: 'api', endpoints: [api] }, ...others.map((id) => ({ id }))],
  }) as unknown as Configuration;

const steps: readonly (readonly [web: string, api: string, returned: string])[] = [
  ['a', '1', ''],
  ['b', '1', ''],
  // The configuration of the first revision, whole.
  ['a', '1', 'everything 1, applications: web 1'],
  // The same once more is no change.
  ['a', '1', ''],
  ['c', '2', ''],
  // One part goes back, another one is new.
  ['b', '3', 'applications: web 2'],
  // Two go back, to a whole that has never been.
  ['c', '1', 'applications: web 5, upstreams: api 4'],
];

test('a part is as before where an earlier revision had its settings, and another one came between', () => {
  const settings = new ReturnedSettings();
  steps.forEach(([web, api, expected], index) => {
    const returned = settings.apply(configuration(web, api), `${web} ${api}`, index + 1);
    assert.equal(
      returned.map(({ part, revision }) => `${part} ${revision}`).join(', '),
      expected,
      `revision ${index + 1}`,
    );
  });
});

test('parts that were removed long ago are forgotten, those of the present configuration never', () => {
  const settings = new ReturnedSettings();
  settings.apply(configuration('a', '1', ['gone']), 'first', 1);
  for (let revision = 2; revision < 1200; revision++)
    settings.apply(configuration('a', '1', [`u${revision}`]), `${revision}`, revision);
  settings.apply(configuration('b', '1'), 'b', 1200);
  const parts = settings.apply(configuration('a', '1', ['gone']), 'a', 1201).map(({ part }) => part);
  assert.deepEqual(parts, ['applications: web']);
});
