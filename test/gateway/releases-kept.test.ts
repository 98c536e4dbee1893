import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

let edge: YamlGateway;

const program = (version: string, start = ''): string => `
${start}
const { createServer } = require('node:http');
const server = createServer((request, response) => response.end('${version}'));
server.listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => server.close(() => process.exit(0)));
`;

before(async () => {
  const yaml = `
state: ./state
applications:
  shop:
    command: ["${process.execPath}", server.cjs]
    readiness: { path: /, interval: 20ms }
    releases: { bake: 100ms, keep: 2 }
routes: [{ to: shop }]
`;
  edge = await startFromYaml(yaml, { files: { 'server.cjs': program('one') } });
  await until('it serves', async () => (await edge.get('/')).status === 200);
});
after(() => edge.stop());

const releases = () => edge.gateway.releases()[0] ?? assert.fail('no releases');

async function deploy(name: string, text: string): Promise<string> {
  const path = join(edge.folder, name);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'server.cjs'), text);
  const order = { application: 'shop', from: { kind: 'folder', path }, name, strategy: null } as const;
  const outcome = await edge.gateway.deploy(order, 'the test');
  assert.ok(outcome.ok, JSON.stringify(outcome));
  await until('the rollout has ended', () => releases().last?.id === outcome.value.id, 30_000);
  return releases().last?.state ?? '';
}

test('a release that is not kept any more has its name in the list of rollouts, and a rollback to it is refused so', async () => {
  for (const name of ['two', 'three']) assert.equal(await deploy(name, program(name)), 'promoted');
  for (const name of ['bad', 'worse'])
    assert.equal(await deploy(name, program(name, 'process.exit(3);')), 'refused', name);
  await until('bad is removed', () => releases().releases.every(({ name }) => name !== 'bad'));
  assert.equal(releases().rollouts[1]?.toName, 'bad');
  const back = async (to: string): Promise<string> => {
    const outcome = await edge.gateway.changeRollout({ kind: 'rollback', application: 'shop', to }, 'the test');
    return outcome.ok ? '' : outcome.failure.reason;
  };
  assert.equal(await back('bad'), 'The release bad is not kept any more (`keep: 2`).');
  assert.equal(await back('none'), 'There is no release none.');
});
