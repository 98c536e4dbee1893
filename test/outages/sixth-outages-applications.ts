import type { Flow } from './flows.ts';
import { ordinaryFlows } from './flows.ts';
import { afterwards, endWaves } from './fourth-waves.ts';
import type { Lab } from './lab.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { managed, pair, shop } from './shop.ts';
import { usualTeam } from './sixth-outages-answers.ts';
import { team, teamFlows } from './team.ts';
import { usualShop } from './third-outages-applications.ts';

const of = (method: string, path: string, perSecond: number, more: Partial<Flow> = {}): Flow => ({
  ...{ method, path, perSecond },
  ...more,
});
const moreTasks = of('POST', '/v1/tasks', 3);
const monthly = of('POST', '/v1/tasks', 0.25, { body: '{"title":"rent","repeats":"monthly"}' });
const moreTokens = of('POST', '/oauth/token', 2);
const assistant = of('POST', '/v1/assistant', 4);
const moreComments = of('POST', '/v1/comments', 3);
const lists = of('GET', '/v1/tasks', 8, { timeoutMs: 5000 });
const usual = ordinaryFlows();

const usualDependency =
  (name: string) =>
  async (lab: Lab): Promise<void> =>
    lab.behave(name, {});

/** Applications, what is behind them, and their hosts. */
export const sixthApplicationOutages: readonly Outage[] = [
  outage('the-next-month-has-no-such-day', 'calendar', {
    what: 'It is the 31st. The application computes the same day of the next month, which there is not: one of 25 new tasks repeats monthly, and is a 500.',
    marks: ['low rate'],
    suspects: ['application_errors'],
    side: 'application',
    names: ['tasks'],
    setup: team(managed, { flows: teamFlows({ monthly, moreTasks }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('team', {
        rules: [
          {
            ...{ path: '/v1/tasks', contains: 'monthly', status: 500, bytes: 60 },
            prints: 'RangeError: month 31 is out of range for day of month',
          },
        ],
      }),
    end: usualTeam,
  }),
  outage('proxy-of-the-database-forgets-statements', 'database_proxy', {
    what: 'The proxy before the database was set to lend connections for one transaction. Statements that were prepared on another connection are unknown: three of a hundred reads of tasks are 500.',
    marks: ['low rate'],
    suspects: ['application_errors', 'dependency'],
    side: 'application',
    names: ['tasks'],
    setup: team(managed),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('team', {
        rules: [
          {
            ...{ path: '/v1/tasks', method: 'GET', share: 0.03, status: 500, bytes: 60 },
            prints: 'error: prepared statement "s_41" does not exist',
          },
        ],
      }),
    end: usualTeam,
  }),
  outage('traces-are-sent-while-clients-wait', 'telemetry', {
    what: 'The application sends its traces to a collector before it answers. The collector writes to a slow disk: each call of the API takes 0.4 s more.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'dependency'],
    side: 'application',
    names: [],
    setup: team({ ...pair, dependencies: ['collector'], behaviour: { needs: { '/v1': ['collector'] }, pool: 60 } }),
    begin: async (lab) => lab.behave('collector', { rules: [{ latencyMs: 400 }] }),
    end: usualDependency('collector'),
  }),
  outage('provider-of-the-model-is-overloaded', 'model_provider', {
    what: 'The provider of the language model is overloaded: six of ten questions to the assistant get no answer, and a 503 of the application after five seconds. The others take three seconds more.',
    harm: ['slow'],
    suspects: ['dependency', 'slow_application', 'application_errors'],
    side: 'application',
    names: ['assistant'],
    setup: team(
      { ...managed, dependencies: ['model'], behaviour: { needs: { '/v1/assistant': ['model'] }, pool: 60 } },
      { flows: teamFlows({ assistant }) },
    ),
    begin: async (lab) => lab.behave('model', { rules: [{ share: 0.6, end: 'hang' }, { latencyMs: 3000 }] }),
    end: usualDependency('model'),
  }),
  outage('fresh-machines-wait-for-randomness', 'entropy', {
    what: 'Both hosts were started anew, and their kernels have hardly any randomness yet: each token waits some three seconds for its key. All else works.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'resource_limit'],
    side: 'application',
    names: ['tokens'],
    setup: team(pair, { flows: teamFlows({ moreTokens }) }),
    before: async (lab) => {
      for (const one of ['team-1', 'team-2']) await lab.restart(one);
    },
    begin: async (lab) =>
      lab.behave('team', {
        rules: [
          { path: '/oauth', share: 0.5, latencyMs: 2600 },
          { path: '/oauth', latencyMs: 3700 },
        ],
      }),
    end: usualTeam,
  }),
  outage('mount-of-the-files-hangs', 'network_file_system', {
    what: 'The server of the mounted folder with all files is gone, and who reads there hangs: scripts and styles are never answered, all else is.',
    suspects: ['slow_application', 'dependency'],
    side: 'application',
    names: ['static'],
    setup: shop(pair, { keys: { timeouts: { response_head: '5s' } } }),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/static', end: 'hang' }] }),
    end: usualShop,
  }),
  outage('one-host-has-the-old-map-of-shards', 'shard_map', {
    what: 'One customer was moved to another shard of the database. One of two hosts has the old map, and finds none of its tasks: 404.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['one_endpoint', 'changed_responses'],
    side: 'application',
    names: ['{team-2}'],
    setup: team(),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('team-2', { rules: [{ path: '/v1/tasks', client: '127.0.66.5', status: 404, bytes: 80 }] }),
    end: usualTeam,
  }),
  outage('two-versions-share-a-cache', 'mixed_versions', {
    what: 'A script puts a new version on the first of two hosts and stops there. Both versions share a cache, and neither can read what the other has written: four of ten carts are 500, at both.',
    suspects: ['application_errors', 'release'],
    side: 'application',
    names: ['cart'],
    setup: shop(),
    begin: async (lab) => {
      await lab.restart('shop-1');
      lab.behave('shop', { rules: [{ path: '/api/cart', method: 'GET', share: 0.4, status: 500 }] });
    },
    end: usualShop,
  }),
  outage('largest-customer-has-slow-lists', 'large_customer', {
    what: 'The largest customer has passed a million tasks. Half of its lists take nine seconds; the application in its browsers gives up after five.',
    marks: ['low rate', 'no 5xx'],
    suspects: ['slow_application', 'one_client', 'client_timeout'],
    side: 'application',
    names: ['tasks'],
    setup: team(pair, { flows: teamFlows({ 'GET /v1/tasks': lists }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('team', {
        rules: [
          { path: '/v1/tasks/' },
          { path: '/v1/tasks', method: 'GET', client: '127.0.66.7', share: 0.5, latencyMs: 9000 },
        ],
      }),
    end: usualTeam,
  }),
  outage('comments-with-links-wait-for-the-spam-check', 'spam_check', {
    what: 'The service that looks for spam follows the links of comments, and one site answers it late: four of a hundred comments take three seconds.',
    marks: ['low rate', 'no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'dependency'],
    side: 'application',
    names: ['comments'],
    setup: team(
      { ...pair, dependencies: ['spam'], behaviour: { needs: { '/v1/comments': ['spam'] } } },
      { flows: teamFlows({ moreComments }) },
    ),
    seconds: 115,
    begin: async (lab) => lab.behave('spam', { rules: [{ share: 0.04, latencyMs: 3000 }] }),
    end: usualDependency('spam'),
  }),
  outage('workers-are-recycled-in-the-middle', 'worker_recycling', {
    what: 'Against a leak the server ends each of its worker processes after fifty requests, and does not wait for what the worker is doing: two of a hundred requests get a closed connection.',
    marks: ['low rate'],
    suspects: ['connections_cut', 'crash'],
    side: 'application',
    names: ['tasks|comments|tokens|team'],
    setup: team(pair, { flows: teamFlows({ moreTasks, moreComments }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('team', { rules: [{ path: '/healthz' }, { share: 0.02, latencyMs: 5, end: 'close' }] }),
    end: usualTeam,
  }),
  outage('hosts-ban-the-gateway', 'banned_gateway', {
    what: 'The hosts ban addresses from which many passwords were wrong. They see the address of the gateway alone, and their firewalls drop its packets and refuse its connections.',
    suspects: ['network', 'connections_cut'],
    side: 'network',
    names: ['shop'],
    setup: shop({ ...pair, hasRelay: true }, { flows: usual }),
    begin: async (lab) => {
      lab.relay('shop-1').behaviour = { passesNothing: true, refuses: true };
      afterwards(4000, () => (lab.relay('shop-2').behaviour = { passesNothing: true, refuses: true }));
    },
    end: async (lab) => {
      endWaves();
      for (const one of ['shop-1', 'shop-2']) lab.relay(one).behaviour = {};
    },
  }),
];
