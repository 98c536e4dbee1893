import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from '../gateway/raw-origin.ts';
import { requestText, startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { blocksOf, readDocument } from './markdown.ts';

/** The configurations of docs/compression.md, run before an application that answers each path. */

let origin: RawOrigin;
before(async () => {
  origin = await RawOrigin.start(({ line, body }) => {
    const html = ['Content-Type: text/html'];
    if (line.startsWith('POST')) return ok(String(body.length), html);
    if (line.includes('/maps')) return ok('{"a":1}'.repeat(1000), ['Content-Type: application/geo+json']);
    return ok(`<a href="http://wiki.internal:3000/">${'page '.repeat(1000)}`, html);
  });
});
after(() => origin.close());

const examples = blocksOf(readDocument('docs/compression.md'))
  .filter(({ language }) => language === 'yaml')
  .map(({ text }) => text);

async function running(text: string | undefined, run: (edge: YamlGateway) => Promise<void>): Promise<void> {
  assert.ok(text !== undefined);
  const edge = await startFromYaml(text.replace('127.0.0.1:3000', origin.address));
  try {
    await run(edge);
  } finally {
    await edge.stop();
  }
}

const browser = ['Accept-Encoding: gzip, deflate, br, zstd'];

describe('an example of docs/compression.md', () => {
  test('there is one for each test', () => assert.equal(examples.length, 4));

  test('compresses all routes by one word', () =>
    running(examples[0], async (edge) => {
      assert.equal(headerOf(await edge.get('/', browser), 'content-encoding'), 'zstd');
      assert.equal(headerOf(await edge.get('/'), 'content-encoding'), null);
    }));

  test('says what is different in a route', () =>
    running(examples[1], async (edge) => {
      for (const [path, coding] of [
        ['/maps', 'br'],
        ['/login', null],
        ['/', 'br'],
      ] as const)
        assert.equal(headerOf(await edge.get(path, browser), 'content-encoding'), coding, path);
    }));

  test('decodes requests', () =>
    running(examples[2], async (edge) => {
      for (const [path, text, expected] of [
        ['/ingest', 'a,b;'.repeat(100), '400'],
        ['/else', 'a,b;'.repeat(100), String(gzipSync('a,b;'.repeat(100)).length)],
      ] as const) {
        const body = gzipSync(text);
        const head = requestText('POST', path, ['Content-Encoding: gzip', `Content-Length: ${body.length}`]);
        const response = await edge.send(Buffer.concat([Buffer.from(head), body]));
        assert.equal(response.body.toString(), expected, path);
      }
    }));

  test('replaces texts', () =>
    running(examples[3], async (edge) => {
      assert.match((await edge.get('/')).body.toString(), /^<a href="https:\/\/wiki\.example\.org\/">/);
    }));
});
