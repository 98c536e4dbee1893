import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { boxOffice, boxOfficeFlows } from './box-office.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';

const www = { method: 'GET', path: '/shows/{n}', perSecond: 0.45, headers: { host: 'www.shop.test' } };

/** A user of the test site, whose password nobody here needs. */
export const testUser = 'tester:$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy\n';

/** Changes of the configuration. */
export const eighthOperatorOutages: readonly Outage[] = [
  outage('password-of-the-test-site-goes-live', 'staging_password', {
    what: 'A person copies the settings of the test site, and with them its password: browsers ask every visitor for it, and programs get 401.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: [],
    setup: boxOffice(),
    begin: async (lab) => {
      const file = join(dirname(lab.socket), 'users');
      writeFileSync(file, testUser, { mode: 0o600 });
      await lab.reload((keys) => void Object.assign(keys, { authentication: { basic: { users_file: file } } }));
    },
    end: async (lab) => lab.reload((keys) => void delete keys['authentication']),
  }),
  outage('reload-forgets-the-name-with-www', 'host_match', {
    what: 'A person gives all routes the name of the service, in preparation for a second one, and forgets the one with www, which old posters have: its visitors get 404 from the gateway.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: [],
    setup: boxOffice({}, { flows: boxOfficeFlows({ www }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.reload(({ routes }) => {
        for (const route of routes) route['host'] = 'shop.test';
      }),
    end: async (lab) =>
      lab.reload(({ routes }) => {
        for (const route of routes) delete route['host'];
      }),
  }),
  outage('reload-demands-signatures-that-nobody-makes', 'signed_links', {
    what: 'A reload lets tickets be fetched by signed links alone. The release that signs them comes next week: every ticket is 403.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change'],
    side: 'operator',
    names: ['tickets'],
    setup: boxOffice(),
    begin: async (lab) => {
      const file = join(dirname(lab.socket), 'link-keys');
      writeFileSync(file, `${'k'.repeat(40)}\n`, { mode: 0o600 });
      await lab.reload(({ routes }) => {
        for (const route of routes) if (route['id'] === 'tickets') route['signed_links'] = { keys_file: file };
      });
    },
    end: async (lab) =>
      lab.reload(({ routes }) => {
        for (const route of routes) delete route['signed_links'];
      }),
  }),
];
