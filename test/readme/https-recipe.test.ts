// Only `npm run test:complete` runs this file: it builds two machines of namespaces. `npm test` has `test/gateway/automatic-
// certificates.test.ts`, and checks the configurations of the document.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { until } from '../gateway/start-from-yaml.ts';
import { startHttpsMachines } from './https-machines.ts';
import {
  commandsOf,
  configurationOf,
  configure,
  document,
  installApplication,
  needsMachines,
  succeeds,
} from './https-recipe.ts';

// docs/https.md on a machine of its own with ports 80 and 443: the configurations and the commands are those of the document. Left out:
// the installation (test/packaging has it), and systemd, which a script plays.

test('the recipe leads from an empty server to HTTPS with a certificate of the live CA', needsMachines, async (t) => {
  const machines = await startHttpsMachines(t);
  const { server } = machines;

  // 1. What must be there: the commands in the prose.
  const [names = '', ports = ''] = [...document.matchAll(/`((?:getent|ss) [^`]+)`/g)].map((match) => match[1] ?? '');
  assert.match(await succeeds(machines, names.replace(/\s+/g, ' ')), /^192\.0\.2\.10\s/);
  assert.equal(await succeeds(machines, ports.replace(/\s+/g, ' ')), '');

  await installApplication(machines);

  const first = configurationOf('4.');
  await configure(machines, first);
  for (const command of commandsOf('4.')) await succeeds(machines, command);

  const [status = '', visit = ''] = commandsOf('5.');
  await until('the certificate is valid', async () => / valid\b/.test(await succeeds(machines, status)), 30_000);
  assert.match(await succeeds(machines, status), /CERTIFICATES/);
  assert.match(await succeeds(machines, visit), /^the shop$|the shop$/);
  const strict = await server.run(visit.replace('--insecure ', ''));
  assert.equal(strict.code, 60, 'the certificate of staging is trusted by no client');

  await configure(machines, stringify({ ...parse(first), ...parse(configurationOf('6.')) }));
  const [reload = '', secure = '', plain = ''] = commandsOf('6.');
  await succeeds(machines, reload);
  assert.match(await succeeds(machines, visit), /the shop$/, 'the certificate of staging stays in use');
  await until('the live certificate is there', async () => (await server.run(secure)).code === 0, 30_000);
  assert.match(await succeeds(machines, secure), /the shop$/);
  assert.match(await succeeds(machines, plain), /^HTTP\/1\.1 308 [^]*^location: https:\/\/shop\.example\.org\/\r$/im);
  await succeeds(machines, 'systemctl stop candor');
});
