import assert from 'node:assert/strict';
import { test } from 'node:test';
import { siblingModule } from './sibling-module.ts';

const cases: [asker: string, path: string, found: string][] = [
  ['file:///a/src/gateway/serve.ts', './serve-worker', 'file:///a/src/gateway/serve-worker.ts'],
  ['file:///a/dist/gateway/serve.js', './serve-worker', 'file:///a/dist/gateway/serve-worker.js'],
  ['file:///a/dist/deploy/host.js', '../deploy/guard', 'file:///a/dist/deploy/guard.js'],
  ['file:///a/src/cli/main.ts?fresh=1', './demo/app', 'file:///a/src/cli/demo/app.ts'],
  ['file:///C:/a.b/src/x.ts', './y', 'file:///C:/a.b/src/y.ts'],
];

test('a sibling has the extension of the calling file, in source and in the package', () => {
  for (const [asker, path, found] of cases) {
    assert.equal(siblingModule(asker, path), found);
    assert.equal(new URL(siblingModule(asker, path)).href, found);
  }
});
