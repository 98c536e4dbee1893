import assert from 'node:assert/strict';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { FeatureMessages } from '../../core/feature.ts';
import { StaticSites } from './main.ts';
import type { FilesSpec } from './settings.ts';

const usual = {
  ...{
    root: '/srv/site/dist',
    index: [],
    fallback: null,
    extensions: [],
    listing: false,
    precompressed: [],
    cache: [],
  },
  ...{ isBelow: true, passes: false, programs: null },
} satisfies FilesSpec;
const ofSite: FilesSpec = { ...usual, release: { application: 'site', below: 'dist' } };

function sites(...specs: readonly FilesSpec[]) {
  const published: FeatureMessages[] = [];
  const part = new StaticSites({ publish: (states) => void published.push(states) });
  part.use(specs.map((spec, at) => ({ scope: { kind: 'route', id: `r${at}`, upstream: null } as never, spec })));
  return { part, published };
}

describe('workers are told where the files of a static application lie', () => {
  test('when its release changes, for each of its routes and for no other', () => {
    const { part, published } = sites(ofSite, usual, ofSite);
    assert.deepEqual(published, []);
    part.onReleaseFolders('site', { present: '/state/1', previous: '/state/0' });
    part.onReleaseFolders('other', { present: '/state/9', previous: null });
    const folders = { root: '/state/1/dist', previous: '/state/0/dist' };
    assert.deepEqual(published, [{ 'route r0': folders, 'route r2': folders }]);
  });

  test('again with each configuration, whose routes begin there', () => {
    const { part, published } = sites(ofSite);
    part.onReleaseFolders('site', { present: '/state/1', previous: null });
    assert.equal(part.forWorkers(ofSite).root, '/state/1/dist');
    assert.equal(part.forWorkers(usual), usual);
    part.use([{ scope: { kind: 'route', id: 'new', upstream: null } as never, spec: ofSite }]);
    assert.deepEqual(published.at(-1), { 'route new': { root: '/state/1/dist', previous: null } });
  });

  test('and nothing before something was deployed', () => {
    const { part, published } = sites(ofSite);
    assert.equal(part.forWorkers(ofSite), ofSite);
    assert.deepEqual(published, []);
  });
});

describe('a release is refused without the folder that is served', () => {
  test('with the reason', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'candor-sites-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const { part } = sites(ofSite);
    assert.equal(await part.refuses('site', folder), 'it has no folder dist');
    writeFileSync(join(folder, 'dist'), '');
    assert.equal(await part.refuses('site', folder), 'its dist is no folder');
    rmSync(join(folder, 'dist'));
    mkdirSync(join(folder, 'dist'));
    assert.equal(await part.refuses('site', folder), null);
    assert.equal(await part.refuses('other', folder), null);
  });
});
