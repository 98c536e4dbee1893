import { addressesFrom, type Flow } from './flows.ts';
import type { Lab } from './lab.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { parcelFlows, parcels } from './parcels.ts';
import { managed, pair, shop } from './shop.ts';
import { team, teamFlows } from './team.ts';

const french = { method: 'GET', path: '/track/fr/{n}', perSecond: 0.3 };
const olderScanners = { method: 'POST', path: '/v2/scans/', perSecond: 0.25 };
/** Visitors of a shop that shows the pages under a name of its own. */
const ownName = {
  ...{ method: 'GET', path: '/track/{n}', perSecond: 5, clients: addressesFrom(200, 6) },
  headers: { host: 'track.chocolate.test' },
};
const company = {
  ...{ method: 'GET', path: '/v1/tasks', perSecond: 5, clients: ['127.0.66.80'] },
  headers: { authorization: 'Bearer 4f1c' },
};

const releaseOfBefore =
  (application: string) =>
  async (lab: Lab): Promise<void> =>
    lab.release(application, {});

/** The own application of the service says which form it wants; programs of its customers do not. */
function withAccept(): Record<string, Flow> {
  const own = new Set(['GET /v2/parcels', 'POST /v2/parcels', 'GET /v2/account']);
  const accept = { accept: 'application/json' };
  return Object.fromEntries(
    Object.entries(parcelFlows()).map(([name, flow]) => [name, own.has(name) ? { ...flow, headers: accept } : flow]),
  );
}

/** Releases, and clients that changed. */
export const seventhReleaseOutages: readonly Outage[] = [
  outage('release-answers-programs-with-xml', 'content_negotiation', {
    what: 'A release updates its framework, which writes XML where a request does not say what it accepts. The own application says so; the programs of customers do not, and cannot read what they get.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['release', 'changed_responses'],
    side: 'application',
    names: ['parcels|quotes|v2'],
    setup: parcels({ api: managed }, { flows: withAccept() }),
    begin: async (lab) => lab.release('api', { rules: [{ path: '/v2', lacks: 'accept', type: 'application/xml' }] }),
    end: releaseOfBefore('api'),
  }),
  outage('release-forgets-names-of-customers', 'allowed_hosts', {
    what: 'A release has a list of the names under which it may be visited, and lacks those that customers have brought: whoever follows a parcel under the name of a shop gets 400.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['release', 'changed_responses'],
    side: 'application',
    names: ['track'],
    setup: parcels({ portal: managed }, { flows: parcelFlows({ ownName }) }),
    begin: async (lab) =>
      lab.release('portal', {
        rules: [{ path: '/track', client: '127.0.66.20', status: 400, type: 'text/html', bytes: 140, latencyMs: 1 }],
      }),
    end: releaseOfBefore('portal'),
  }),
  outage('release-shows-the-tools-of-developers', 'debug_mode', {
    what: 'A release was built with the settings of developers: each page of products has a bar with all queries, is four times as large and takes a third of a second more, as searches do.',
    marks: ['no 5xx'],
    harm: ['slow', 'different'],
    suspects: ['release', 'slow_application', 'changed_responses'],
    side: 'application',
    names: ['products|search'],
    setup: shop(managed),
    begin: async (lab) =>
      lab.release('shop', {
        rules: [
          { path: '/products', bytes: 34_000, latencyMs: 340 },
          { path: '/search', latencyMs: 350 },
        ],
      }),
    end: releaseOfBefore('shop'),
  }),
  outage('release-lacks-the-words-of-a-language', 'translation', {
    what: 'A release lacks the file with French words: pages in French, one of 31, are 500.',
    marks: ['low rate'],
    suspects: ['release'],
    side: 'application',
    names: ['track'],
    setup: parcels({ portal: managed }, { flows: parcelFlows({ french }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.release('portal', {
        rules: [
          {
            ...{ path: '/track/fr', status: 500, type: 'text/html', bytes: 300 },
            prints: 'Error: ENOENT: no such file or directory, open locales/fr.json',
          },
        ],
      }),
    end: releaseOfBefore('portal'),
  }),
  outage('release-knows-no-slash-at-the-end', 'strict_paths', {
    what: 'A release changes its router, for which a path with a slash at its end is another one. Older scanners write it, and their scans are 404: one of forty requests.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['release', 'changed_responses'],
    side: 'application',
    names: ['v2'],
    setup: parcels({ api: managed }, { flows: parcelFlows({ olderScanners }) }),
    seconds: 115,
    begin: async (lab) => lab.release('api', { rules: [{ path: '/v2/scans/', status: 404, bytes: 60 }] }),
    end: releaseOfBefore('api'),
  }),
  outage('proxy-of-a-company-strips-tokens', 'corporate_proxy', {
    what: 'The proxy of a company that uses the service was updated, and removes the headers with tokens: all that its people ask for is 401.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['one_client', 'changed_responses'],
    side: 'client',
    names: ['127.0.66.80'],
    setup: team(
      {
        ...pair,
        behaviour: {
          rules: [{ path: '/v1', client: '127.0.66.80', lacks: 'authorization', status: 401, bytes: 40, latencyMs: 1 }],
        },
      },
      { flows: teamFlows({ company }) },
    ),
    begin: async (lab) => lab.sendToo({ company: { ...company, headers: {} } }),
    end: async (lab) => lab.sendUsual(),
  }),
];
