import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin, valuesOf } from './raw-origin.ts';
import { requestText, startFromYaml, type YamlGateway } from './start-from-yaml.ts';

let origin: RawOrigin;
let edge: YamlGateway;
before(async () => {
  origin = await RawOrigin.start();
  edge = await startFromYaml(`
upstreams: { app: { endpoints: "${origin.address}", check: none } }
routes:
  - { path: /umlaut, to: app, replace_text: { "ü": ue } }
  - { path: /files, files: ./public, to: app, replace_text: { "http://old": "https://new.example" } }
  - to: app
    compress: { codings: gzip, min_size: 1B }
    replace_text: { "http://old": "https://new.example" }
    replace_text_max: 10KiB
`);
  await mkdir(join(edge.folder, 'public', 'files'), { recursive: true });
  await writeFile(join(edge.folder, 'public', 'files', 'a.html'), body);
});
after(() => edge.stop());
after(() => origin.close());

const body = '<a href="http://old/x">';
const changed = '<a href="https://new.example/x">';
const html = 'Content-Type: text/html; charset=utf-8';

describe('texts in responses are replaced', () => {
  for (const [what, answer, result] of [
    ['in a page', ok(body, [html]), changed],
    ['in JSON', ok(body, ['Content-Type: application/ld+json']), changed],
    [
      'in chunks',
      `HTTP/1.1 200 OK\r\n${html}\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n${body.slice(0, 17)}\r\n6\r\n${body.slice(17)}\r\n0\r\n\r\n`,
      changed,
    ],
    ['in the page of an error', ok(body, [html], '404 Not Found'), changed],
    ['but not in an image', ok(body, ['Content-Type: image/png']), body],
    ['but not in what is coded', ok(body, [html, 'Content-Encoding: x-own']), body],
    ['but not in a part of a body', ok(body, [html, 'Content-Range: bytes 0-22/100'], '206 Partial Content'), body],
    ['but not in a large body', ok(body.padEnd(10_241), [html]), body.padEnd(10_241)],
    ['but not in an event stream', ok(body, ['Content-Type: text/event-stream']), body],
  ] as const)
    test(what, async () => {
      origin.answer = () => answer;
      assert.equal((await edge.get('/')).body.toString(), result);
    });

  test('but not in files beside the endpoints, whose parts fit the whole', async () => {
    origin.answer = () => ok(body, [html]);
    assert.equal((await edge.get('/files/none')).body.toString(), changed);
    const whole = await edge.get('/files/a.html');
    const part = await edge.get('/files/a.html', ['Range: bytes=9-']);
    assert.equal(whole.body.toString(), body);
    assert.equal(part.body.toString(), body.slice(9));
    assert.equal(headerOf(whole, 'last-modified'), headerOf(part, 'last-modified'));
  });

  test('before they are compressed', async () => {
    origin.answer = () =>
      ok(body, [html, 'ETag: "a"', 'Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT', 'Accept-Ranges: bytes']);
    const response = await edge.get('/', ['Accept-Encoding: gzip', 'Range: bytes=0-9', 'If-Range: "a"']);
    assert.equal(gunzipSync(response.body).toString(), changed);
    for (const name of ['etag', 'last-modified', 'accept-ranges']) assert.equal(headerOf(response, name), null);
    for (const name of ['accept-encoding', 'range', 'if-range']) assert.deepEqual(valuesOf(origin.last, name), []);
  });

  test('so that the length of an answer to HEAD is not known', async () => {
    origin.answer = () => `HTTP/1.1 200 OK\r\n${html}\r\nContent-Length: 23\r\n\r\n`;
    assert.equal(headerOf(await edge.send(requestText('HEAD', '/')), 'content-length'), null);
  });

  test('in the charset in which they are written', async () => {
    origin.answer = () => ok('Ã¼', ['Content-Type: text/html; charset=iso-8859-1']).replace('Length: 4', 'Length: 2');
    assert.deepEqual((await edge.get('/umlaut')).body, Buffer.from('ü'), 'the bytes mean something else there');
    origin.answer = () => ok('Ã¼', ['Content-Type: text/html; charset="UTF-8"']).replace('Length: 4', 'Length: 2');
    assert.equal((await edge.get('/umlaut')).body.toString(), 'ue');
  });
});
