import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { systemClock } from '../../src/system/system.ts';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { dnsAddresses, type DnsServer, startDnsServer } from '../../src/testing/dns-server.ts';
import { freePort } from '../free-port.ts';
import { ok, RawOrigin, type RawRequest } from './raw-origin.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Each suspect is named by a running gateway, from requests that fail because of it. All fail at the same time, each at an upstream of its own.

/** What a person would call the cause; what the first suspect is; and which request of the client fails (default: a GET). */
interface Case {
  readonly what: string;
  readonly upstream: string;
  readonly suspect: string;
  readonly send?: () => Promise<unknown>;
  /** What its step says of the configuration. */
  readonly step?: RegExp;
}

let edge: YamlGateway;
let dns: DnsServer;
let secure: Server;
let nowhere = 0;
const origins: RawOrigin[] = [];
let isOver = false;
const loads: Promise<unknown>[] = [];

const origin = async (answer: Parameters<typeof RawOrigin.start>[0]): Promise<RawOrigin> => {
  const started = await RawOrigin.start(answer);
  origins.push(started);
  return started;
};
const status500 = 'HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n';
const reset = () => (socket: { resetAndDestroy(): void }) => socket.resetAndDestroy();
const post = (path: string): Promise<unknown> =>
  edge.send(`POST ${path} HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 1\r\n\r\nx`);

/** Its document says that its database fails, and its requests fail. */
const dependent = ({ line }: RawRequest): string => {
  if (!line.includes('/healthz')) return status500;
  const body = '{"status":"warn","checks":{"db:connections":[{"status":"fail","output":"timed out"}]}}';
  return `HTTP/1.1 200 OK\r\nContent-Type: application/health+json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
};

/** Ready, and able to answer nothing else. */
const broken = `require('node:http').createServer(({ url }, response) => response.writeHead(url === '/' ? 200 : 500).end()).listen(process.env.PORT, '127.0.0.1')`;
const working = broken.replace('500', '200');

async function yaml(program: string, moved: string): Promise<string> {
  const address = async (answer: Parameters<typeof RawOrigin.start>[0]) => (await origin(answer)).address;
  const plain = 'check: none, outlier_detection: none';
  return `
dns: { servers: ["${dns.address}"], allow: ["127.0.0.0/8"] }
applications: { shop: { command: ${JSON.stringify([process.execPath, '-e', program])} } }
upstreams:
  moved: { endpoints: "${moved}", ${plain} }
  one: { endpoints: ["${await address(() => ok('here'))}", "${await address(reset)}"], ${plain} }
  pool: { endpoints: "${await address(() => null)}", connections: { max: 1, queue_max: 0 }, ${plain} }
  cert: { endpoints: "https://127.0.0.1:${(secure.address() as AddressInfo).port}", ${plain} }
  race: { endpoints: "${await address(({ line }) => (line.startsWith('POST') ? reset() : ok('here')))}", ${plain} }
  needs: { endpoints: "${await address(dependent)}", check: { path: /healthz, interval: 100ms } }
  lying: { endpoints: "${await address(({ line }) => (line.includes('/healthz') ? ok('fine') : reset()))}", check: { path: /healthz, interval: 100ms } }
  other: { endpoints: "${await address(() => 'SSH-2.0-OpenSSH_9.6\r\n')}", ${plain} }
  named: { endpoints: "app.test:${(await origin(() => ok('here'))).port}", ${plain} }
  gone: { endpoints: "127.0.0.1:${nowhere}", ${plain} }
routes:
${['moved', 'one', 'pool', 'cert', 'race', 'needs', 'lying', 'other', 'named', 'gone', 'shop'].map((id) => `  - { path: /${id}, to: ${id} }`).join('\n')}
`;
}

const cases: readonly Case[] = [
  { what: 'a configuration that was changed shortly before', upstream: 'moved', suspect: 'configuration_change' },
  { what: 'a release shortly before', upstream: 'shop', suspect: 'release' },
  { what: 'one bad endpoint of two', upstream: 'one', suspect: 'one_endpoint' },
  {
    what: 'a pool that is used up',
    upstream: 'pool',
    suspect: 'pool_full',
    step: /raise `connections\.max` \(now 1\) only if/,
  },
  { what: 'a certificate', upstream: 'cert', suspect: 'certificate' },
  {
    what: 'an application that closes connections while requests are sent there',
    upstream: 'race',
    suspect: 'keep_alive_race',
    send: async () => {
      for (let n = 0; n < 10; n += 1) await edge.get('/race');
      await post('/race');
    },
  },
  { what: 'a dependency that fails, in the health document', upstream: 'needs', suspect: 'dependency' },
  {
    what: 'a check that passes while requests fail',
    upstream: 'lying',
    suspect: 'lying_check',
    // As many as outlier detection needs, within its window, however busy the machine is.
    send: () => Promise.all(Array.from({ length: 10 }, () => edge.get('/lying'))),
  },
  { what: 'something else that answers on that port', upstream: 'other', suspect: 'another_program' },
  { what: 'a name that got another address', upstream: 'named', suspect: 'dns_change' },
  { what: 'nothing that listens', upstream: 'gone', suspect: 'nothing_listens' },
];

const suspected = (upstream: string) =>
  edge.gateway.incidents().find((incident) => incident.upstream === upstream)?.suspects[0];
const firstSuspect = (upstream: string): string | null => suspected(upstream)?.name ?? null;

async function fail({ upstream, suspect, send = () => edge.get(`/${upstream}`) }: Case): Promise<void> {
  while (!isOver && firstSuspect(upstream) !== suspect) {
    // A request that hangs, as at the full pool, is not waited for.
    await Promise.race([send().catch(() => null), sleep(200)]);
    await sleep(20);
  }
}

before(async () => {
  dns = await startDnsServer();
  dns.on('app.test', dnsAddresses(1, '127.0.0.1'));
  const { certificate, key } = certificateAuthority(systemClock.wallTime()).issue({ names: ['127.0.0.1'] });
  secure = createServer({ cert: certificate, key });
  await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
  nowhere = await freePort();
  const good = await origin(() => ok('here'));
  const before = await yaml(working, good.address);
  edge = await startFromYaml(before);
  for (const path of ['/moved', '/shop', '/named'])
    await until(`${path} is answered`, async () => (await edge.get(path)).status === 200);
  // Nothing listens at the second address.
  dns.on('app.test', dnsAddresses(1, '127.0.0.9'));
  const after = before
    .replace(JSON.stringify(working), JSON.stringify(broken))
    .replace(`moved: { endpoints: "${good.address}"`, `moved: { endpoints: "127.0.0.1:${nowhere}"`);
  assert.notEqual(after, before);
  const outcome = await edge.reload(after);
  assert.ok(outcome.ok, JSON.stringify(outcome));
  loads.push(...cases.map(fail));
});
after(async () => {
  isOver = true;
  await Promise.all(loads);
  await edge.stop();
  await dns.stop();
  secure.closeAllConnections();
  secure.close();
  await Promise.all(origins.map((one) => one.close()));
});

for (const { what, upstream, suspect, step } of cases)
  test(`${what} is the first suspect, ${suspect}`, async () => {
    await until(
      `the incident at ${upstream} has ${suspect} as its first suspect`,
      () => firstSuspect(upstream) === suspect,
      60_000,
    );
    if (step !== undefined) assert.match(suspected(upstream)?.nextStep ?? '', step);
  });
