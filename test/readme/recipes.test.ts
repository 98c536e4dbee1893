// Starts processes: docs/recipes.md has a program of the shell, which is run with others in place of curl and candor.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { systemClock } from '../../src/system/system.ts';
import { certificateAuthority, headerOf, type RawResponse } from '../../src/testing/testing.ts';
import { answerWith, FastCgiServer } from '../../src/wire/fastcgi-server.test-support.ts';
import { ok, RawOrigin, valuesOf } from '../gateway/raw-origin.ts';
import { ReloadedGateway, requestText, startFromYaml } from '../gateway/start-from-yaml.ts';
import { SecureClient } from '../tls-clients/secure-client.ts';
import { blocksOf, readDocument } from './markdown.ts';

// Each answer of docs/recipes.md, as a gateway with the configuration above it gives it.

const document = readDocument('docs/recipes.md');
const recipes = [
  ...document.matchAll(/```yaml\n([^`]+)```\n\n\| request \| answer \|\n\|---\|---\|\n((?:\|.*\n)+)/g),
].map(({ 1: yaml = '', 2: table = '', index }) => {
  const [, title = ''] = /.*\n## ([^\n]+)\n/s.exec(document.slice(0, index)) ?? [];
  return { title, yaml, table };
});
const blocks = blocksOf(document);

/** Each file has its own path, and programs have their beginning. */
const files = [
  ...['site/index.html', 'site/docs/index.html', 'site/assets/app.3f2a.js', 'site/404.html', 'app/dist/index.html'],
  ...['wordpress/index.php', 'wordpress/wp-login.php', 'wordpress/wp-content/uploads/evil.php'],
];

function requestOf(written: string): { readonly method: string; readonly text: string } {
  const [, method = 'GET', target = '', headers] = /^(?:([A-Z]+) )?(\S+)(?: (.*))?$/.exec(written) ?? [];
  const url = new URL(target, 'http://www.example.org');
  const lines = [`Host: ${url.host}`, ...(headers === undefined ? [] : headers.split('; '))];
  return { method, text: requestText(method, url.pathname + url.search, lines) };
}

/** `200 \`Name: value\`, no \`Name\`, \`a part of the body\``. */
function assertAnswer(response: RawResponse, expected: string): void {
  assert.equal(response.status, Number(expected.slice(0, 3)), response.body.toString());
  for (const [, no, part = ''] of expected.matchAll(/(no )?`([^`]+)`/g)) {
    const [, name, value = ''] = /^([A-Z][\w-]*): (.*)$/.exec(part) ?? [];
    if (no !== undefined) assert.equal(headerOf(response, part.toLowerCase()), null);
    else if (name === 'Vary') assert.ok(headerOf(response, 'vary')?.includes(value), part);
    else if (name !== undefined) assert.equal(headerOf(response, name.toLowerCase()), value);
    else assert.ok(response.body.toString().includes(part), `${part}: ${response.body.toString()}`);
  }
}

describe('docs/recipes.md', () => {
  const reloaded = new ReloadedGateway();
  let origin: RawOrigin;
  let folder = '';
  let phpPort = 0;
  const php = new FastCgiServer((request, socket) => {
    const program = (request.variables.get('SCRIPT_FILENAME') ?? '').replace(folder, '');
    answerWith(`Content-Type: text/plain\r\n\r\nran ${program}`)(request, socket);
  });
  before(async () => {
    phpPort = await php.listen();
    origin = await RawOrigin.start((request) => {
      const [client, loop] = ['X-Real-IP', 'CDN-Loop'].map((name) => valuesOf(request, name).join());
      const path = request.line.split(' ')[1] ?? '';
      return ok(`application: ${path}\nclient ${client}\nloop ${loop}\n`, ['Server: app', 'X-Powered-By: app']);
    });
    ({ folder } = await reloaded.with('routes: [{ respond: { body: a } }]'));
    for (const name of files) {
      await mkdir(dirname(join(folder, 'srv', name)), { recursive: true });
      await writeFile(join(folder, 'srv', name), name.endsWith('.php') ? '<?php' : `/srv/${name}`);
    }
  });
  after(() => Promise.all([reloaded.stop(), php.close(), origin.close()]));

  /** The configuration with addresses and folders of this test, without TLS. */
  function here(yaml: string): string {
    const read = parse(yaml) as Record<string, unknown>;
    const peers = read['trusted_peers'] as readonly string[] | undefined;
    return stringify({
      ...read,
      listeners: { http: '127.0.0.1:0' },
      ...(peers === undefined ? {} : { trusted_peers: [...peers, '127.0.0.0/8'] }),
    })
      .replaceAll('127.0.0.1:3000', origin.address)
      .replaceAll(/unix:[\w./-]+/g, `127.0.0.1:${phpPort}`)
      .replaceAll(/(?<= )(?=\/srv\/)/g, '.');
  }

  test('has answers below its configurations', () => {
    assert.equal(recipes.length, blocks.filter(({ language }) => language === 'yaml').length - 1);
  });

  for (const { title, yaml, table } of recipes)
    describe(title, () => {
      for (const [, written = '', answer = ''] of table.matchAll(/^\| `(.*?)` \| (.*) \|$/gm))
        test(`${written}: ${answer}`, async () => {
          const edge = await reloaded.with(here(yaml));
          assertAnswer(await edge.send(requestOf(written).text), answer);
        });
    });

  test('names the client in records as the CDN does', async () => {
    const { yaml = '' } = recipes.find(({ title }) => title === 'Behind a CDN') ?? {};
    const edge = await reloaded.with(here(yaml));
    const response = await edge.send(requestOf('/page X-Forwarded-For: 198.51.100.7').text);
    assert.equal((await edge.record(response)).client.address, '198.51.100.7');
  });

  test('lets only those in by the certificate of the CDN that have it', async (context) => {
    const block = blocks.find(({ text }) => text.includes('client_certificates'))?.text ?? '';
    const [own, cdn] = [1, 2].map(() => certificateAuthority(systemClock.wallTime()));
    assert.ok(own !== undefined && cdn !== undefined);
    const { certificate, key } = own.issue({ names: ['example.org'] });
    const edge = await startFromYaml(
      block.replace('":443"', '"127.0.0.1:0"').replace('127.0.0.1:3000', origin.address),
      { files: { 'origin.pem': certificate, 'origin.key': key, 'cdn-ca.pem': cdn.certificate } },
    );
    context.after(() => edge.stop());
    const statusWith = async (options: object): Promise<number | undefined> => {
      const trusts = { ca: own.certificate, servername: 'example.org' };
      const client = new SecureClient(edge.address('https'), { ...trusts, ...options });
      client.write(requestText('GET', '/page'));
      const { response } = await client.response('GET', 5000);
      client.close();
      return response?.status;
    };
    const shown = cdn.issue({ names: ['cdn.example'], client: true });
    assert.equal(await statusWith({ cert: shown.certificate, key: shown.key }), 200);
    assert.equal(await statusWith({}), undefined);
  });

  test('has a program that writes the networks of a CDN, or changes nothing', async (context) => {
    const place = await mkdtemp(join(tmpdir(), 'candor-recipes-'));
    context.after(() => rm(place, { recursive: true }));
    const script = blocks.find(({ language }) => language === 'sh')?.text.replace('/etc/candor', place) ?? '';
    const text = 'routes: []\ntrusted_peers:\n  - "192.0.2.0/24"\n';
    await writeFile(join(place, 'candor.yaml'), text);
    const run = async (curl: string, candor: string): Promise<string> => {
      for (const [name, body] of Object.entries({ curl, candor })) {
        await writeFile(join(place, name), `#!/bin/sh\n${body}\n`);
        await chmod(join(place, name), 0o755);
      }
      spawnSync('sh', ['-c', script], { env: { PATH: `${place}:${process.env['PATH']}` } });
      return readFile(join(place, 'candor.yaml'), 'utf8');
    };
    // As Cloudflare's lists, the last line has no end.
    const lists = `case "$*" in *v4) seq -f '10.%g.0.0/16' -s '\n' 1 12 | head -c -1;; *) printf '2001:db8::/32';; esac`;
    assert.equal(await run('exit 22', 'exit 0'), text);
    assert.equal(await run(`printf '<html>'`, 'exit 0'), text);
    assert.equal(await run(lists, 'exit 4'), text);
    const peers = (parse(await run(lists, 'exit 0')) as { trusted_peers: string[] }).trusted_peers;
    assert.deepEqual(
      [peers.length, peers[0], peers[11], peers[12]],
      [13, '10.1.0.0/16', '10.12.0.0/16', '2001:db8::/32'],
    );
  });
});
