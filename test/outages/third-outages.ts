import { setTimeout as sleep } from 'node:timers/promises';
import { addressesFrom, ordinaryFlows } from './flows.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { pair, shop, single } from './shop.ts';
import {
  moreCarts,
  moreCheckouts,
  thirdApplicationOutages,
  usualShop,
  withImports,
} from './third-outages-applications.ts';

const usual = ordinaryFlows();
const logins = { method: 'POST', path: '/api/login', perSecond: 2 };
/** Forty addresses, each of which tries few passwords. */
const botnet = addressesFrom(100, 40);

/** One process of several, and how processes start. */
const processOutages: readonly Outage[] = [
  outage('one-host-collects-garbage', 'pauses', {
    what: 'One process has hardly any heap left and stands still for 0.7 s each nine seconds.',
    marks: ['low rate', 'no 5xx'],
    harm: ['slow'],
    suspects: ['one_endpoint', 'slow_application'],
    side: 'application',
    names: ['{shop-2}'],
    setup: shop(),
    seconds: 110,
    begin: async (lab) => lab.behave('shop-2', { blockEvery: { ms: 700, everyMs: 9000 } }),
    end: usualShop,
  }),
  outage('one-host-lacks-a-secret', 'secret', {
    what: 'One process was started without the key of sessions: it answers 401 to each question for a session, one of 25 requests.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['one_endpoint', 'changed_responses'],
    side: 'application',
    names: ['{shop-2}'],
    setup: shop(),
    seconds: 110,
    begin: async (lab) => {
      lab.behave('shop-2', { rules: [{ path: '/api/session', status: 401, bytes: 60 }] });
      await lab.restart('shop-2');
    },
    end: usualShop,
  }),
  outage('one-worker-waits-for-ever', 'deadlock', {
    what: 'A worker of one process is in a deadlock: one of ten changes of carts there gets no answer, and the client gives up.',
    marks: ['low rate', 'no 5xx'],
    suspects: ['one_endpoint', 'slow_application'],
    side: 'application',
    names: ['{shop-1}'],
    setup: shop(pair, { flows: moreCarts }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop-1', { rules: [{ path: '/api/cart', method: 'POST', share: 0.1, end: 'hang' }] }),
    end: usualShop,
  }),
  outage('web-server-takes-the-port', 'another_program', {
    what: 'While one process restarts, a web server takes its port: it answers each path with its page of welcome.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['another_program', 'one_endpoint', 'changed_responses'],
    side: 'application',
    names: ['{shop-2}'],
    setup: shop(),
    begin: async (lab) => {
      lab.behave('shop-2', { rules: [{ status: 200, type: 'text/html', body: '<h1>Welcome to nginx!</h1>' }] });
      await lab.restart('shop-2');
    },
    end: async (lab) => {
      await usualShop(lab);
      await lab.restart('shop-2');
    },
  }),
  outage('one-process-restarts-without-a-drain', 'restart', {
    what: 'A script deploys three times: it kills the only process, and the new one listens ten seconds later.',
    harm: ['slow'],
    suspects: ['nothing_listens', 'not_started', 'crash'],
    side: 'application',
    names: ['shop'],
    setup: shop(single),
    seconds: 85,
    begin: async (lab) => {
      for (let deployment = 0; deployment < 3; deployment++) {
        await lab.process('shop-1').stop('SIGKILL');
        await sleep(10_000);
        await lab.start('shop-1');
        await sleep(14_000);
      }
    },
    end: usualShop,
  }),
  outage('too-few-connections-after-a-restart', 'connection_limit', {
    what: 'Both processes restart with a file that allows three connections: they close each further one at once.',
    suspects: ['resource_limit', 'connections_cut', 'application_descriptors'],
    side: 'application',
    names: ['shop'],
    setup: shop(pair, { flows: ordinaryFlows(1.5), events: 4 }),
    begin: async (lab) => {
      lab.behave('shop', { connectionsMax: 3 });
      await lab.restart('shop-1');
      await lab.restart('shop-2');
    },
    end: usualShop,
  }),
  outage('servers-ask-for-certificates-of-clients', 'tls', {
    what: 'After hardening both processes demand a certificate of their client, and the gateway has none.',
    suspects: ['tls_settings', 'certificate'],
    side: 'application',
    names: ['shop'],
    setup: shop({ ...pair, tls: 'usual' }),
    begin: async (lab) => {
      lab.behave('shop', { tls: { requestCert: true } });
      await lab.restart('shop-1');
      await lab.restart('shop-2');
    },
    end: async (lab) => {
      await usualShop(lab);
      await lab.restart('shop-1');
      await lab.restart('shop-2');
    },
  }),
];

/** Networks, names, clients and operators. */
const otherOutages: readonly Outage[] = [
  outage('large-requests-are-lost', 'mtu', {
    what: 'A tunnel loses large packets towards the application: of imports, one of 25 requests, only the first 1,300 bytes arrive.',
    marks: ['low rate', 'no 5xx'],
    suspects: ['network'],
    side: 'network',
    names: ['api'],
    setup: shop({ ...pair, hasRelay: true }, { flows: withImports }),
    seconds: 115,
    begin: async (lab) => {
      for (const name of ['shop-1', 'shop-2']) lab.relay(name).behaviour = { requestBytesMax: 1300 };
    },
    end: async (lab) => {
      for (const name of ['shop-1', 'shop-2']) lab.relay(name).behaviour = {};
    },
  }),
  outage('packets-come-again', 'packet_loss', {
    what: 'A bad cable loses packets: three of a hundred requests are late by 0.6 s, whatever they ask for.',
    marks: ['low rate', 'no 5xx'],
    harm: ['slow'],
    suspects: ['network'],
    side: 'network',
    names: ['shop'],
    setup: shop({ ...pair, hasRelay: true }),
    seconds: 115,
    begin: async (lab) => {
      for (const name of ['shop-1', 'shop-2']) lab.relay(name).behaviour = { lossShare: 0.015, lossMs: 600 };
    },
    end: async (lab) => {
      for (const name of ['shop-1', 'shop-2']) lab.relay(name).behaviour = {};
    },
  }),
  outage('name-leads-overseas-too', 'dns', {
    what: 'A third address of the name is a site overseas: its responses take 0.35 s more.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['dns_change', 'one_endpoint'],
    side: 'network',
    names: ['{shop-3}'],
    setup: shop({ by: 'others', instances: 3, host: 'shop.test', named: 2 }),
    begin: async (lab) => {
      lab.behave('shop-3', { rules: [{ latencyMs: 360 }] });
      lab.lead('shop.test', '127.0.67.1', '127.0.67.2', '127.0.67.3');
    },
    end: async (lab) => lab.lead('shop.test', '127.0.67.1', '127.0.67.2'),
  }),
  outage('passwords-are-guessed', 'attack', {
    what: 'Forty addresses try passwords. Each is hashed for 25 ms on the only thread of its process, and everybody else waits.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['traffic_growth', 'slow_application'],
    side: 'client',
    names: ['api'],
    setup: shop(
      { ...pair, behaviour: { rules: [{ path: '/api/login', blockMs: 25 }] } },
      { flows: { ...usual, logins } },
    ),
    begin: async (lab) =>
      lab.sendToo({ guesses: { ...logins, perSecond: 70, clients: botnet, isOutsider: true, timeoutMs: 20_000 } }),
    end: async (lab) => lab.sendUsual(),
  }),
  outage('reload-bounds-bodies', 'configuration', {
    what: 'A reload allows bodies of 4 KiB at most: imports are larger, and get a 413 by the gateway.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['configuration_change', 'gateway_limit'],
    side: 'operator',
    names: [],
    setup: shop(pair, { flows: withImports }),
    begin: async (lab) =>
      lab.reload((configuration) => {
        configuration['client'] = { body_max: '4KiB' };
      }),
    end: async (lab) =>
      lab.reload((configuration) => {
        delete configuration['client'];
      }),
  }),
  outage('reload-adds-a-host-of-an-old-version', 'wrong_host', {
    what: 'A reload adds a third host to the two of the shop. It runs an old version, which refuses one of eight checkouts with a 500.',
    marks: ['low rate'],
    suspects: ['configuration_change', 'one_endpoint'],
    side: 'operator',
    names: ['{old-1}'],
    setup: shop(pair, {
      applications: {
        shop: pair,
        old: {
          ...single,
          behaviour: { rules: [{ path: '/api/checkout', method: 'POST', share: 0.125, status: 500 }] },
        },
      },
      flows: moreCheckouts,
    }),
    seconds: 115,
    begin: async (lab) =>
      lab.reload(({ upstreams }) => {
        upstreams['shop'] = {
          ...upstreams['shop'],
          endpoints: ['shop-1', 'shop-2', 'old-1'].map((one) => lab.address(one)),
        };
      }),
    end: async (lab) =>
      lab.reload(({ upstreams }) => {
        upstreams['shop'] = { ...upstreams['shop'], endpoints: ['shop-1', 'shop-2'].map((one) => lab.address(one)) };
      }),
  }),
];

/** The third set of outages. */
export const thirdOutages: readonly Outage[] = [...thirdApplicationOutages, ...processOutages, ...otherOutages];
