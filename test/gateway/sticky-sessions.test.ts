import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from './raw-origin.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

let origins: readonly RawOrigin[];
let state: string;
before(async () => {
  state = await mkdtemp(join(tmpdir(), 'candor-sticky-'));
  origins = await Promise.all([0, 1, 2].map(() => RawOrigin.start()));
  for (const [index, origin] of origins.entries()) origin.answer = () => ok(`origin ${index}`);
});
after(async () => {
  await Promise.all(origins.map((origin) => origin.close()));
  await rm(state, { recursive: true, force: true });
});

const yamlOf = (more = '{}'): string => `
workers: 2
state: ${state}
upstreams:
  app:
    endpoints: ${JSON.stringify(origins.map(({ address }) => address))}
    sticky: ${more}
`;

/** A new session: its cookie, and the body of its responses. */
async function begin(edge: YamlGateway): Promise<{ readonly cookie: string; readonly home: string }> {
  const response = await edge.get('/');
  const cookie = headerOf(response, 'set-cookie')?.split(';')[0] ?? '';
  assert.match(cookie, /^[\w]+=1\.[\w.-]+$/);
  assert.equal((await edge.record(response)).session, 'new');
  return { cookie, home: response.body.toString() };
}

async function isAtHome(edge: YamlGateway, { cookie, home }: { cookie: string; home: string }): Promise<boolean> {
  for (let count = 0; count < 12; count++) {
    const response = await edge.get('/', [`Cookie: ${cookie}`]);
    if (response.body.toString() !== home || headerOf(response, 'set-cookie') !== null) return false;
  }
  return true;
}

describe('a sticky session', () => {
  test('is known to every worker, and to the next process with the same state folder', async () => {
    const edge = await startFromYaml(yamlOf('true'));
    const session = await begin(edge);
    assert.equal(await isAtHome(edge, session), true);
    await edge.stop();
    const next = await startFromYaml(yamlOf('true'));
    assert.equal(await isAtHome(next, session), true);
    await next.stop();
  });

  test('goes on after a reload that changes its attributes, and moves when its endpoint is drained', async () => {
    const edge = await startFromYaml(yamlOf('{ name: at }'));
    const session = await begin(edge);
    assert.equal((await edge.reload(yamlOf('{ name: at, same_site: strict }'))).ok, true);
    assert.equal(await isAtHome(edge, session), true);
    const { address } = origins[Number(session.home.at(-1))] as RawOrigin;
    const others = origins.filter((origin) => origin.address !== address).map((origin) => origin.address);
    assert.equal(
      (await edge.reload(yamlOf('{ name: at }').replace(/endpoints: .*/, `endpoints: ${JSON.stringify(others)}`))).ok,
      true,
    );
    const moved = await edge.get('/', [`Cookie: ${session.cookie}`]);
    assert.notEqual(moved.body.toString(), session.home);
    assert.match(headerOf(moved, 'set-cookie') ?? '', /^at=1\./);
    assert.equal((await edge.record(moved)).session, 'moved');
    await edge.stop();
  });

  test('is shared by gateways with the same key file, and by no others', async () => {
    const keys = join(state, 'shared.key');
    await writeFile(keys, 'k'.repeat(40), { mode: 0o600 });
    const [one, two, other] = await Promise.all([
      startFromYaml(yamlOf(`{ name: at, key_file: ${keys} }`)),
      startFromYaml(yamlOf(`{ name: at, key_file: ${keys} }`).replace(/state: .*/, 'state: none')),
      startFromYaml(yamlOf('{ name: at }')),
    ]);
    const session = await begin(one);
    assert.equal(await isAtHome(two, session), true);
    await until('another gateway gives the client a cookie of its own', async () => {
      return headerOf(await other.get('/', [`Cookie: ${session.cookie}`]), 'set-cookie') !== null;
    });
    await Promise.all([one.stop(), two.stop(), other.stop()]);
  });
});
