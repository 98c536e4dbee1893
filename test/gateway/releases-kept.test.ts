import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

let edge: YamlGateway;
/** Where the application runs that was never deployed. */
let live: string;

const program = (version: string, start = ''): string => `
${start}
const { createServer } = require('node:http');
const { readFileSync } = require('node:fs');
const server = createServer((request, response) => response.end('${version}: ' + readFileSync('data/orders')));
server.listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => server.close(() => process.exit(0)));
`;

before(async () => {
  live = await mkdtemp(join(tmpdir(), 'candor-live-'));
  await mkdir(join(live, 'data'));
  await writeFile(join(live, 'data/orders'), 'those of one');
  await writeFile(join(live, 'server.cjs'), program('one'));
  const yaml = `
state: ./state
applications:
  shop:
    command: ["${process.execPath}", server.cjs]
    readiness: { path: /, interval: 20ms }
    directory: ${live}
    releases: { bake: 100ms, keep: 2, persistent: [data/] }
routes: [{ to: shop }]
`;
  edge = await startFromYaml(yaml);
  await until('it serves', async () => (await edge.get('/')).status === 200);
});
after(async () => {
  await edge.stop();
  await rm(live, { recursive: true });
});

const releases = () => edge.gateway.releases()[0] ?? assert.fail('no releases');

async function orderOf(name: string, text: string) {
  const path = join(edge.folder, name);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'server.cjs'), text);
  return { application: 'shop', from: { kind: 'folder', path }, name, strategy: null } as const;
}

async function deploy(name: string, text: string): Promise<string> {
  const order = await orderOf(name, text);
  const outcome = await edge.gateway.deploy(order, 'the test');
  assert.ok(outcome.ok, JSON.stringify(outcome));
  await until('the rollout has ended', () => releases().last?.id === outcome.value.id, 30_000);
  return releases().last?.state ?? '';
}

test('the first release has the data of what ran before, which the plan and the deployment say', async () => {
  const place = /^All releases use \S+\/data, as the application does now/;
  const plan = await edge.gateway.planDeploy(await orderOf('first', program('first')));
  assert.match(plan.ok ? plan.value.remarks.join() : '', place);
  assert.equal(await deploy('first', program('first')), 'promoted');
  assert.match(releases().last?.remarks.join() ?? '', place);
  assert.equal((await edge.get('/')).body.toString(), 'first: those of one');
  const link = join(edge.folder, 'state/releases/shop/persistent/data/orders');
  await writeFile(link, 'more');
  assert.equal(await readFile(join(live, 'data/orders'), 'utf8'), 'more');
});

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
