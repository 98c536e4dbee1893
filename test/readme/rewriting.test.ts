import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseConfiguration } from '../../src/config/parse.ts';
import { loadPatterns } from '../../src/core/pattern.ts';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from '../gateway/raw-origin.ts';
import { ReloadedGateway, requestText } from '../gateway/start-from-yaml.ts';
import { readDocument } from './markdown.ts';

/** Each table of docs/rewriting.md says what the configuration above it does. */

const document = readDocument('docs/rewriting.md');
const edge = new ReloadedGateway();
const folder = mkdtempSync(join(tmpdir(), 'candor-rewriting-'));
let origin: RawOrigin;
let answered = '';
before(async () => {
  await loadPatterns();
  origin = await RawOrigin.start(() => ok('', answered === '' ? [] : [answered]));
  const [, redirects = ''] = /<!-- redirects\.txt -->\n\n```text\n([^`]*)```/.exec(document) ?? [];
  writeFileSync(join(folder, 'redirects.txt'), redirects);
});
after(async () => {
  await edge.stop();
  await origin.close();
  rmSync(folder, { recursive: true });
});

const get = async (target: string) => {
  const gateway = await edge.with(
    yaml.replaceAll('127.0.0.1:3000', origin.address).replace('redirects.txt', join(folder, 'redirects.txt')),
  );
  origin.forget();
  return gateway.send(requestText('GET', target, ['Host: example.org']));
};

const checks: Readonly<Record<string, (request: string, expected: string) => Promise<void>>> = {
  'the application is asked for': async (request, expected) => {
    answered = '';
    await get(request);
    assert.equal(origin.last.line, `GET ${expected} HTTP/1.1`);
  },
  answer: async (request, expected) => {
    answered = '';
    const response = await get(request);
    assert.equal([response.status, headerOf(response, 'location')].join(' ').trim(), expected);
  },
  'the client gets': async (line, expected) => {
    answered = line.replace('127.0.0.1:3000', origin.address);
    const [, name = '', value] = /^([^:]*): (.*)$/.exec(expected) ?? [];
    assert.equal(headerOf(await get('/app/x'), name), value);
  },
};

let yaml = '';

describe('docs/rewriting.md', () => {
  let rows = 0;
  for (const [, block = '', what = '', table = ''] of document.matchAll(
    /```yaml\n([^`]*)```\n(?:(?!```yaml)[^])*?\n\| [^|]* \| ([^|]*) \|\n\|---\|---\|\n((?:\|.*\n)+)/g,
  ))
    for (const [, first = '', second = ''] of table.matchAll(/^\| (.*) \| (.*) \|$/gm)) {
      rows += 1;
      test(`${first} ─▶ ${second}`, async () => {
        yaml = block;
        await checks[what]?.(first.replaceAll('`', ''), second.replaceAll('`', ''));
        assert.ok(what in checks);
      });
    }
  test('has examples', () => assert.ok(rows > 20));

  const [, words = ''] = document.split('## Words of other gateways');
  for (const [, route = ''] of words.matchAll(/\| `([^|]*)` \|$/gm))
    test(`has in place of words of other gateways what is accepted: ${route}`, () => {
      const text = `upstreams: { app: "127.0.0.1:1" }\nroutes: [{ to: app }, { ${route}${route.includes('redirect:') ? '' : ', to: app'} }]`;
      const read = parseConfiguration(text, { file: 'a', directory: '/', environment: {}, hostname: 'a' });
      const problems = read.ok ? read.warnings : read.errors;
      assert.deepEqual(
        problems.filter(({ message }) => !message.startsWith('this route is never taken')),
        [],
      );
    });
});
