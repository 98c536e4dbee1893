import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** What a page loads for `createFetch`, as a bundler makes it, gzipped. */
async function gzipBytesOf(contents: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    write: false,
  });
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
}

test('createFetch is at most 8 KB in a page, gzipped', async (context) => {
  const bytes = await gzipBytesOf(`export { createFetch } from './main.ts';`);
  context.diagnostic(`${bytes} bytes`);
  assert.ok(bytes <= 8 * 1024, `${bytes} bytes`);
});
