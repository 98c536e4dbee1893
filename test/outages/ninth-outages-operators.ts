import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { type DnsServer, dnsAddresses, startDnsServer } from '../../src/testing/dns-server.ts';
import { courses } from './courses.ts';
import type { Flow } from './flows.ts';
import type { Lab } from './lab.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { parcels } from './parcels.ts';
import { registry, registryFlows } from './registry.ts';
import { pair, single } from './shop.ts';

const older = 'key-of-a-program-of-2024-of-the-registry';
const newer = 'key-of-a-program-of-2026-of-the-registry';
const withKey = (method: string, path: string, perSecond: number, key: string): Flow => ({
  ...{ method, path, perSecond, headers: { authorization: `Bearer ${key}` } },
});

/** Builds are asked for with keys, of which four of ten are new. */
export const keyedFlows = registryFlows({
  'POST /builds': withKey('POST', '/builds', 3, older),
  'GET /builds/{n}': withKey('GET', '/builds/{n}', 8, older),
  'POST /builds newer': withKey('POST', '/builds', 2, newer),
  'GET /builds/{n} newer': withKey('GET', '/builds/{n}', 6, newer),
});

/** A person writes the file of keys, and reloads. */
export async function writeKeys(lab: Lab, names: readonly ('older' | 'newer' | 'next')[]): Promise<void> {
  const file = join(dirname(lab.socket), 'api-keys');
  const keys = { older, newer, next: 'key-of-a-program-that-comes-next-year' };
  const lines = names.map((name) => `${name}:${createHash('sha256').update(keys[name]).digest('hex')}\n`);
  writeFileSync(file, lines.join(''), { mode: 0o600 });
  await lab.reload(({ routes }) => {
    for (const route of routes)
      if (route['id'] === 'builds') route['authentication'] = { api_keys: { keys_file: file } };
  });
}

/** A person writes these certificates into a file, which the store's must come from, and reloads. */
export async function trust(lab: Lab, certificates: readonly string[]): Promise<void> {
  const file = join(dirname(lab.socket), 'authorities.pem');
  writeFileSync(file, certificates.join(''));
  await lab.reload(({ upstreams }) => {
    const tls = upstreams['store']?.['tls'] as Record<string, unknown>;
    tls['ca_file'] = file;
  });
}

const otherServers: DnsServer[] = [];

/** A person has another name server asked, which leads names to these addresses, and reloads. */
export async function askOtherServer(lab: Lab, fill: (server: DnsServer) => void): Promise<void> {
  const server = await startDnsServer();
  otherServers.push(server);
  fill(server);
  await lab.reload((file) => void Object.assign(file['dns'] as object, { servers: [server.address] }));
}

export async function askUsualServer(lab: Lab): Promise<void> {
  await lab.reload((file) => void Object.assign(file['dns'] as object, { servers: [lab.dns.address] }));
  for (const server of otherServers.splice(0)) await server.stop();
}

const green = { ...pair, behaviour: { capacity: 2, queueMax: 12, rules: [{ path: '/v2', slower: 14 }] } };
const parcelsTwice = parcels();

const leadParcels = (lab: Lab, to: string): Promise<void> =>
  lab.reload(({ routes }) => {
    for (const route of routes) if (['api', 'green'].includes(String(route['to']))) route['to'] = to;
  });

/** Changes of the configuration. */
export const ninthOperatorOutages: readonly Outage[] = [
  outage('file-of-keys-is-an-old-one', 'api_keys', {
    what: 'The gateway asks programs for keys since today. A person adds a key to the file, on a machine where it is of last year, and puts it in place: programs whose keys are newer get 401.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: ['builds'],
    setup: registry({}, { flows: keyedFlows }),
    before: async (lab) => writeKeys(lab, ['older', 'newer']),
    begin: async (lab) => writeKeys(lab, ['older', 'next']),
    end: async (lab) => writeKeys(lab, ['older', 'newer', 'next']),
  }),
  outage('reload-moves-to-the-hosts-of-the-tests', 'test_database', {
    what: 'All is prepared on new hosts, and a reload moves the API there. Their database is still the small one of the tests: all takes fourteen times as long, and many get 503.',
    harm: ['slow'],
    suspects: ['configuration_change', 'slow_application'],
    side: 'operator',
    names: ['green|parcels|v2'],
    setup: { ...parcelsTwice, applications: { ...parcelsTwice.applications, green } },
    begin: async (lab) => leadParcels(lab, 'green'),
    end: async (lab) => leadParcels(lab, 'api'),
  }),
  outage('reload-trusts-another-authority', 'trusted_authority', {
    what: 'In the course of an exchange a person trusts the next authority alone, before the store has a certificate of it: none of its files can be fetched.',
    suspects: ['configuration_change', 'certificate'],
    side: 'operator',
    names: ['store|tarballs'],
    setup: registry({ store: { ...single, tls: 'usual' } }),
    begin: async (lab) => trust(lab, [certificateAuthority(Date.now(), 'Next Authority').certificate]),
    end: async (lab) =>
      lab.reload(({ upstreams }) => {
        const tls = upstreams['store']?.['tls'] as Record<string, unknown>;
        tls['ca_file'] = join(dirname(lab.socket), 'authority.pem');
      }),
  }),
  outage('reload-asks-a-public-name-server', 'dns_setting', {
    what: 'The own name server is to be given up, and a reload has a public one asked. That leads the inner name of the application to the host that strangers come to, which sends every path to the pages of the company, 302, and passes checks.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change', 'dns_change'],
    side: 'operator',
    names: ['learn|lessons|graphql'],
    setup: courses({ learn: { ...pair, instances: 3, named: 2, host: 'learn.internal' } }),
    begin: async (lab) => {
      lab.behave('learn-3', {
        rules: [{ path: '/healthz' }, { status: 302, location: 'https://www.courses.test/', bytes: 0, latencyMs: 1 }],
      });
      await askOtherServer(lab, (server) => server.on('learn.internal', dnsAddresses(5, '127.0.67.3')));
    },
    end: askUsualServer,
  }),
];
