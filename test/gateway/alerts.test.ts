import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../free-port.ts';
import { GatewayFolder } from './gateway-folder.ts';
import { until } from './start-from-yaml.ts';

interface ReceivedAlert {
  readonly id: string;
  readonly key: string;
  readonly change: string;
  readonly upstream: string;
  readonly routes: readonly string[];
  readonly evidence: readonly string[];
  readonly next_step: string | null;
  readonly link: string | null;
}

interface MarkedIncident {
  readonly acknowledged: { readonly at: string; readonly by: string; readonly reason: string | null } | null;
  readonly muted: { readonly until: string } | null;
}

test('an incident whose message was not delivered when the process was killed is told by the next one, once, and goes on there', async (context) => {
  const received: ReceivedAlert[] = [];
  const webhook = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      received.push(JSON.parse(text) as ReceivedAlert);
      response.writeHead(204).end();
    });
  });
  context.after(() => {
    webhook.closeAllConnections();
    webhook.close();
  });
  const hookPort = await freePort();
  const [port, nothing] = [await freePort(), await freePort()];
  const folder = new GatewayFolder(context, { 'hook.url': `http://127.0.0.1:${hookPort}/very-secret-path\n` });
  const yaml = `
listeners: { http: "127.0.0.1:${port}" }
upstreams: { app: { endpoints: "127.0.0.1:${nothing}", check: none, outlier_detection: none } }
routes: [{ path: /, to: app }]
alerts: { link: "https://gw.example.org", targets: { hook: { webhook: { url_file: hook.url } } } }
`;
  const first = await folder.start(yaml);
  await until(
    'the webhook is tried',
    async () => {
      await fetch(`http://127.0.0.1:${port}/`);
      return first.eventsOf('alert_failed').length > 0;
    },
    30_000,
  );
  const [failed] = first.eventsOf('alert_failed');
  assert.deepEqual([failed?.to, failed?.evidence.target], ['retrying', 'hook']);
  const alertsFile = join(folder.path, 'state', 'alerts.json');
  const kept = () =>
    JSON.parse(readFileSync(alertsFile, 'utf8')) as {
      targets: { hook: { queue: { attempts: number }[]; open: Record<string, unknown> } };
    };
  await until(
    'the message is on the disk',
    () => existsSync(alertsFile) && (kept().targets.hook.queue[0]?.attempts ?? 0) > 0,
  );
  await first.ask('/v1/incidents/acknowledge', { incident: 1, reason: 'I look at it' });
  const incidentsFile = join(folder.path, 'state', 'incidents.json');
  await until('the acknowledgement is on the disk', () => readFileSync(incidentsFile, 'utf8').includes('I look at it'));
  await first.kill();
  assert.ok(!first.stderr.includes('very-secret'), 'the URL is a secret');

  await once(webhook.listen(hookPort, '127.0.0.1'), 'listening');
  assert.equal((webhook.address() as AddressInfo).port, hookPort);
  const second = await folder.start(yaml);
  await until('the webhook is told', () => received.length > 0, 30_000);
  const [opened] = received;
  assert.deepEqual(
    [opened?.key, opened?.change, opened?.upstream, opened?.routes, opened?.link],
    [failed?.evidence.alert, 'opened', 'app', ['/'], 'https://gw.example.org/#/incidents/1'],
  );
  assert.notEqual(opened?.next_step, null);
  // What the gateway saw when it looked at once is in the first message.
  const probed = opened?.evidence.find((fact) => fact.startsWith('a direct connection to app/127.0.0.1:'));
  assert.match(probed ?? '', /refused/);
  assert.ok(opened?.evidence.some((fact) => fact.startsWith('the machine: ')));

  // The application still refuses: it is the same incident, of which the target has been told.
  await until(
    'the incident goes on',
    async () => {
      await fetch(`http://127.0.0.1:${port}/`);
      return second.eventsOf('incident_opened').length > 0;
    },
    30_000,
  );
  const next = second.eventsOf('incident_opened')[0];
  assert.deepEqual(
    [next?.to, next?.evidence.incident, `incident:${next?.evidence.key}`],
    ['continued', 1, opened?.key],
  );
  const mark = { by: 'admin:socket', reason: 'I look at it' };
  const muted = (await second.ask('/v1/incidents/mute', { incident: 1, until: '2h' })) as MarkedIncident;
  assert.deepEqual({ ...muted.acknowledged, at: undefined }, { ...mark, at: undefined });
  const ahead = Date.parse(muted.muted?.until ?? '') - Date.now();
  assert.ok(ahead > 7_100_000 && ahead <= 7_200_000, `${ahead}`);
  assert.deepEqual(
    second.eventsOf('admin_action').map(({ evidence }) => evidence.operation),
    ['muteIncident'],
  );
  await until('the mute is on the disk', () => readFileSync(incidentsFile, 'utf8').includes('"muted"'));
  await until('the event says so', () => second.eventsOf('alert_sent').length > 0);
  await second.stop();
  assert.deepEqual(kept().targets.hook.queue, []);
  assert.deepEqual(Object.keys(kept().targets.hook.open), [opened?.key]);
  assert.deepEqual([received.length, second.eventsOf('incident_resolved')], [1, []]);
});
