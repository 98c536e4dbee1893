import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startFromYaml, until } from './start-from-yaml.ts';

// A release whose program ends while it starts: the earlier instance serves, and people are told.

const serving = (name: string): string =>
  `require('node:http').createServer((_, answer) => answer.end('${name}')).listen(process.env.PORT, '127.0.0.1')`;

/** Serves once there is such a file. */
const servingWith = (flag: string): string =>
  `if (!require('node:fs').existsSync(${JSON.stringify(flag)})) process.exit(3); ${serving('two')}`;

function yaml(script: string): string {
  const command = JSON.stringify([process.execPath, '-e', script]);
  return `
applications:
  web:
    command: ${command}
    readiness: { interval: 50ms, passes: 1 }
    restart: { first_delay: 200ms, max_delay: 500ms }
routes: [{ path: /, to: web }]
alerts: { targets: { shell: { kinds: [release], command: { run: [cat] } } } }
`;
}

test('a release that never becomes ready is an alert and a problem until it does', {
  timeout: 60_000,
}, async (context) => {
  const edge = await startFromYaml(yaml(serving('one')));
  context.after(() => edge.stop());
  const flag = join(edge.folder, 'database');
  await until('the first release serves', async () => (await edge.get('/')).status === 200);
  await edge.reload(yaml(servingWith(flag)));
  await until('it is told', () => edge.eventsOf('application_not_ready').length > 0, 30_000);
  const [failing] = edge.eventsOf('application_not_ready');
  assert.deepEqual(
    [failing?.to, failing?.subject, failing?.evidence.instance, failing?.evidence.serving],
    ['failing', 'application:web', 'web/2', ['web/1']],
  );
  assert.match(
    failing?.reason ?? '',
    /web\/2 has not become ready.*code 3.*web\/1 of the earlier configuration serves/,
  );
  await until('the alert is sent', () => edge.eventsOf('alert_sent').length > 0);
  assert.ok(edge.gateway.status().problems.some(({ kind }) => kind === 'replacement_failing'));
  await writeFile(flag, '');
  await until('it is ready', () => edge.eventsOf('application_not_ready').at(-1)?.to === 'ready', 30_000);
  await until('its end is sent', () => edge.eventsOf('alert_sent').length === 2);
  assert.deepEqual(
    edge.eventsOf('alert_sent').map(({ evidence }) => evidence.alert),
    ['release:web', 'release:web'],
  );
  assert.equal(edge.eventsOf('application_not_ready').length, 2);
});
