import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// A request whose instance Candor itself stopped, because a newer one had replaced it.

/** The first one never answers /never; it ends at SIGTERM as every program does that does not handle it. */
const program = `
const { createServer } = require('node:http');
createServer((request, response) => {
  if (request.url !== '/never' || process.env.RELEASE === 'two') return response.end(process.env.RELEASE);
}).listen(process.env.PORT, process.env.HOST);
`;

const yaml = (release: string): string => `
applications:
  web:
    command: ["${process.execPath}", "-e", ${JSON.stringify(program)}]
    environment: { RELEASE: "${release}" }
    readiness: { path: /, interval: 50ms, passes: 1 }
routes: [{ to: web }]
drain: { timeout: 300ms }`;

let edge: YamlGateway;

before(async () => {
  edge = await startFromYaml(yaml('one'));
  await until('it serves', async () => (await edge.get('/')).body.toString() === 'one', 30_000);
});
after(() => edge.stop());

test('a request that outlasts the drain is cut by the gateway, which says what has replaced the instance; one that may be repeated goes there', async () => {
  const answer = edge.send('POST /never HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
  const repeated = edge.get('/never');
  await until('both are in flight', async () => edge.counts().active === 2);
  await edge.reload(yaml('two'));
  const response = await answer;
  assert.equal(response.status, 503);
  assert.equal((await repeated).body.toString(), 'two');
  await until('the exit is known', async () => (await edge.record(response)).attempts[0]?.exit !== null);
  const { attempts, detail, cause, whose } = await edge.record(response);
  const exit = attempts[0]?.exit;
  assert.deepEqual([exit?.signal, exit?.stopped], ['SIGTERM', { replaced_by: 'web/2' }]);
  assert.deepEqual([cause, whose], ['drained', 'operator']);
  assert.match(detail ?? '', /^The gateway stopped the instance, .*The instance, replaced by web\/2, was stopped by/);
});
