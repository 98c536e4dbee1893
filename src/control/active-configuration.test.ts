import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Configuration } from '../core/configuration.ts';
import { hopKeyOf } from './active-configuration.ts';

const configuration = (changes: object): Configuration =>
  ({ deployment: 'edge', member: 'a', stateFolder: '/a', routes: [{ id: '/' }], upstreams: [], ...changes }) as never;

describe('the key of routes in CDN-Loop', () => {
  it('is the same on the members of a deployment', () => {
    assert.equal(hopKeyOf(configuration({})), hopKeyOf(configuration({ member: 'b', stateFolder: '/b' })));
  });

  it('differs where the name, a route or an upstream does', () => {
    const changes = [{}, { deployment: 'shop' }, { routes: [{ id: '/x' }] }, { upstreams: [{ id: 'app' }] }];
    assert.equal(new Set(changes.map((change) => hopKeyOf(configuration(change)))).size, 4);
  });
});
