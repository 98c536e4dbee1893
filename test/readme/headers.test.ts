import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { strictSecurityHeaders } from '../../src/config/security-headers.ts';
import { variableForms } from '../../src/core/variables.ts';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from '../gateway/raw-origin.ts';
import { ReloadedGateway, requestText, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { blocksOf, readDocument } from './markdown.ts';

const document = readDocument('docs/headers.md');
const edge = new ReloadedGateway();
let origin: RawOrigin | null = null;
after(() => edge.stop());
after(() => origin?.close());

/** A gateway with the first example below a heading, whose application answers with the method, `Server` and a policy of its own. */
async function gatewayOf(heading: string, at = 0): Promise<YamlGateway> {
  origin ??= await RawOrigin.start(({ line }) =>
    ok(line.split(' ')[0] ?? '', ['Server: app', 'Referrer-Policy: no-referrer']),
  );
  const { text } =
    blocksOf(document).filter((block) => block.heading === heading && block.language === 'yaml')[at] ?? {};
  assert.ok(text !== undefined, heading);
  return edge.with(text.replace('127.0.0.1:3000', origin.address));
}

describe('docs/headers.md', () => {
  test('has every variable, with its text and example', () => {
    const rows = variableForms.map(([form, { text, example }]) => `| \`{${form}}\` | ${text} | \`${example}\` |`);
    const table = ['| variable | what it is | example |', '|---|---|---|', ...rows].join('\n');
    assert.ok(document.includes(`\n${table}\n`), `write:\n${table}`);
  });

  test('has the lines of security_headers: strict', () => {
    const lines = Object.entries(strictSecurityHeaders).map(([name, value]) => `${name}: ${value}`);
    assert.ok(document.includes(`\n\`\`\`\n${lines.join('\n')}\n\`\`\`\n`), `write:\n${lines.join('\n')}`);
  });

  test('headers for all routes', async () => {
    const gateway = await gatewayOf('Headers for all routes');
    const page = await gateway.get('/');
    assert.equal(origin?.last.headers.find(([name]) => name === 'X-Client-Address')?.[1], '127.0.0.1');
    assert.deepEqual(
      ['server', 'referrer-policy', 'cache-control'].map((name) => headerOf(page, name)),
      [null, 'same-origin', 'no-cache'],
    );
    const asset = await gateway.get('/assets/a.js');
    assert.deepEqual([headerOf(asset, 'cache-control'), headerOf(asset, 'vary')], ['public, max-age=86400', 'Origin']);
    assert.equal(headerOf(await gateway.get('/old'), 'referrer-policy'), 'same-origin');
  });

  test('an answer of its own, and none', async () => {
    const gateway = await gatewayOf('An answer of its own');
    const gone = await gateway.get('/old-api');
    assert.deepEqual(
      [gone.status, headerOf(gone, 'link'), headerOf(gone, 'content-type')],
      [410, '<https://example.org/api>; rel="successor-version"', 'application/json'],
    );
    const client = gateway.connect();
    client.write(requestText('GET', '/wp-login.php'));
    assert.equal((await client.response('GET', 5000)).bytes.length, 0);
  });

  test('security headers, and a list of its own', async () => {
    const gateway = await gatewayOf('Security headers');
    const page = await gateway.get('/');
    assert.deepEqual([headerOf(page, 'x-frame-options'), headerOf(page, 'referrer-policy')], ['DENY', 'no-referrer']);
    assert.equal(headerOf(await gateway.get('/api'), 'x-frame-options'), null);
    const embedded = await gateway.get('/embedded');
    assert.deepEqual(
      [headerOf(embedded, 'x-frame-options'), headerOf(embedded, 'content-security-policy')],
      [null, 'frame-ancestors https://partner.example'],
    );
    const other = await (await gatewayOf('Security headers', 1)).get('/');
    assert.deepEqual(
      [headerOf(other, 'content-security-policy'), headerOf(other, 'x-frame-options')],
      ["frame-ancestors 'self'", null],
    );
  });

  test('CORS', async () => {
    const gateway = await gatewayOf('CORS');
    const asked = ['Origin: https://a.example.org', 'Access-Control-Request-Method: PUT'];
    const granted = await gateway.send(requestText('OPTIONS', '/api/x', asked));
    assert.deepEqual(
      [granted.status, headerOf(granted, 'access-control-allow-origin'), headerOf(granted, 'access-control-max-age')],
      [204, 'https://a.example.org', '3600'],
    );
  });
});
