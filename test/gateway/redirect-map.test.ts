import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { originForTests } from './origin-for-tests.ts';
import type { RawOrigin } from './raw-origin.ts';
import { requestText, startFromYaml, type YamlGateway } from './start-from-yaml.ts';

const folder = mkdtempSync(join(tmpdir(), 'candor-redirects-'));
const map = join(folder, 'redirects.txt');
const many = join(folder, 'many.txt');

const origin: RawOrigin = originForTests('of the application');
let edge: YamlGateway | undefined;
let yaml = '';

before(async () => {
  await origin.listen();
  writeFileSync(
    map,
    `# moved
/old /new
/old?page=2 /second 308
/gone/%c3%bc https://new.test/x{query}
/host https://{host}/moved
`,
  );
  writeFileSync(many, Array.from({ length: 10_000 }, (_, n) => `/product/${n} /shop/${n}?from=old`).join('\n'));
  yaml = `
upstreams: { app: ${origin.address} }
routes:
  - { host: beside.test, to: app, redirect: { map: ${map}, status: 301 } }
  - { host: alone.test, redirect: { map: ${map} } }
  - { host: rest.test, redirect: { map: ${map}, location: "https://new.test", status: 302 } }
  - { host: many.test, redirect: { map: ${many} } }
`;
  edge = await startFromYaml(yaml);
});
after(async () => {
  await edge?.stop();
  await origin.close();
  rmSync(folder, { recursive: true });
});

const answer = async (host: string, target: string) => {
  const response = await edge!.send(requestText('GET', target, [`Host: ${host}`]));
  return [response.status, headerOf(response, 'location') ?? null] as const;
};

describe('a redirect from a map', () => {
  for (const [host, target, status, location] of [
    ['beside.test', '/old', 301, '/new'],
    ['beside.test', '/old?page=1', 301, '/new'],
    ['beside.test', '/old?page=2', 308, '/second'],
    ['beside.test', '/%6fld', 301, '/new'],
    ['beside.test', '/x/..//old', 301, '/new'],
    ['beside.test', '/gone/%C3%BC?a=b', 301, 'https://new.test/x?a=b'],
    ['beside.test:8080', '/host', 301, 'https://beside.test/moved'],
    ['beside.test', '/old/', 200, null],
    ['beside.test', '/__proto__', 200, null],
    ['beside.test', '/constructor?page=2', 200, null],
    ['beside.test', '/old%3Fpage=2', 200, null],
    ['beside.test', '/old?page=2&x', 301, '/new'],
    ['beside.test', '/gone/%C3%BC?a=%0d%0ab', 301, 'https://new.test/x?a=%0d%0ab'],
    ['alone.test', '/old', 307, '/new'],
    ['alone.test', '/none', 404, null],
    ['rest.test', '/old', 302, '/new'],
    ['rest.test', '/none?x', 302, 'https://new.test/none?x'],
    ['many.test', '/product/9999', 307, '/shop/9999?from=old'],
    ['many.test', '/product/10000', 404, null],
  ] as const)
    test(`of ${host}${target} is ${status} ${location ?? ''}`, async () =>
      assert.deepEqual(await answer(host, target), [status, location]));

  test('is that of the file after a reload, and a file with a mistake changes nothing', async () => {
    writeFileSync(map, '/old /newest\n');
    await edge!.reload(yaml);
    assert.deepEqual(await answer('alone.test', '/old'), [307, '/newest']);
    writeFileSync(map, '/old /new\n/bad\n');
    const outcome = await edge!.reload(yaml).catch((error: unknown) => String(error));
    assert.match(JSON.stringify(outcome), /redirects\.txt.{1,4} line 2/);
    assert.deepEqual(await answer('alone.test', '/old'), [307, '/newest']);
  });

  test('of ten thousand lines is read again on a reload, and a mistake is told with its line', async () => {
    const lines = Array.from({ length: 10_000 }, (_, n) => `/product/${n} /goods/${n} 308`);
    writeFileSync(many, lines.join('\r\n'));
    writeFileSync(map, '/old /new\n');
    await edge!.reload(yaml);
    assert.deepEqual(await answer('many.test', '/product/9999?x'), [308, '/goods/9999']);
    writeFileSync(many, lines.with(9_998, '/product/9998 goods').join('\r\n'));
    const outcome = await edge!.reload(yaml).catch((error: unknown) => String(error));
    assert.match(JSON.stringify(outcome), /many\.txt.{1,4} line 9999: the location .{1,4}goods.{1,4} is neither/);
    assert.deepEqual(await answer('many.test', '/product/9998'), [308, '/goods/9998']);
  });
});
