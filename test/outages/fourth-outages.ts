import { dnsRcode } from '../../src/testing/dns-server.ts';
import { ordinaryFlows } from './flows.ts';
import { fourthApplicationOutages } from './fourth-outages-applications.ts';
import { fourthClientOutages } from './fourth-outages-clients.ts';
import { fourthOperatorOutages } from './fourth-outages-operators.ts';
import { afterwards, endWaves, startWaves } from './fourth-waves.ts';
import type { Lab } from './lab.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import type { Relay } from './relay.ts';
import { pair, shop } from './shop.ts';
import { usualShop } from './third-outages-applications.ts';

const { 'GET /reports/monthly': _, ...withoutReports } = ordinaryFlows();
/** Each answer takes four times as long as in other plays, and a process works on two at a time. */
const fourSmall = {
  by: 'others',
  instances: 4,
  behaviour: { capacity: 2, queueMax: 30, rules: [{ slower: 4 }] },
} as const;
const relayed = { ...pair, hasRelay: true } as const;
const threeRelayed = { ...relayed, instances: 3 } as const;

function relayAll(lab: Lab, instances: number, behaviour: Relay['behaviour']): void {
  for (let index = 1; index <= instances; index++) lab.relay(`shop-${index}`).behaviour = behaviour;
}

/** Machines, and the network between them and the gateway. */
const hostOutages: readonly Outage[] = [
  outage('cooling-fails', 'heat', {
    what: 'The cooling of a data centre fails: the processors slow down, first those of one process, then of both, to a tenth.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application'],
    side: 'application',
    names: ['shop'],
    setup: shop(),
    begin: async (lab) => {
      lab.behave('shop-1', { rules: [{ slower: 6 }] });
      afterwards(8000, () => lab.behave('shop', { rules: [{ slower: 10 }] }));
    },
    end: async (lab) => {
      endWaves();
      await usualShop(lab);
    },
  }),
  outage('one-disk-turns-read-only', 'read_only_disk', {
    what: 'The kernel of one host mounts its disk read-only after errors: what changes a cart or an order there is a 500, reading works.',
    marks: ['low rate'],
    suspects: ['one_endpoint'],
    side: 'application',
    names: ['{shop-2}'],
    setup: shop(),
    begin: async (lab) =>
      lab.behave('shop-2', {
        rules: [
          { path: '/api', method: 'POST', status: 500, prints: 'Error: EROFS: read-only file system, open order' },
        ],
      }),
    end: usualShop,
  }),
  outage('autoscaler-ends-three-of-four', 'autoscaler', {
    what: 'An autoscaler reads a half-migrated list and ends three of the four processes. The last one has too much to do.',
    harm: ['slow'],
    suspects: ['nothing_listens'],
    side: 'application',
    names: ['{shop-1}|{shop-2}|{shop-3}'],
    setup: shop(fourSmall, { flows: withoutReports }),
    begin: async (lab) => {
      await Promise.all([1, 2, 3].map((index) => lab.process(`shop-${index}`).stop()));
    },
    end: async (lab) => {
      await Promise.all([1, 2, 3].map((index) => lab.start(`shop-${index}`)));
    },
  }),
  outage('upgrade-takes-networks-in-turn', 'unattended_upgrade', {
    what: 'An unattended upgrade removes the routes of two hosts of three at a time, in turn: they pass nothing for eight seconds.',
    suspects: ['network', 'one_endpoint'],
    side: 'network',
    names: ['{shop-1}|{shop-2}|{shop-3}'],
    setup: shop(threeRelayed),
    begin: async (lab) => {
      let turn = 0;
      startWaves(
        12_000,
        8000,
        () => {
          relayAll(lab, 3, { passesNothing: true });
          lab.relay(`shop-${(turn++ % 3) + 1}`).behaviour = {};
        },
        () => relayAll(lab, 3, {}),
      );
    },
    end: async (lab) => {
      endWaves();
      relayAll(lab, 3, {});
    },
  }),
  outage('a-link-flaps', 'flapping_link', {
    what: 'A link goes down for half a second each twelve: what is sent meanwhile comes more than a second late.',
    marks: ['low rate', 'no 5xx'],
    harm: ['slow'],
    suspects: ['network', 'slow_application'],
    side: 'network',
    names: [],
    setup: shop(relayed),
    seconds: 115,
    begin: async (lab) =>
      startWaves(
        12_000,
        500,
        () => relayAll(lab, 2, { lossShare: 1, lossMs: 1200 }),
        () => relayAll(lab, 2, {}),
      ),
    end: async (lab) => {
      endWaves();
      relayAll(lab, 2, {});
    },
  }),
  outage('a-cable-is-cut', 'long_way_round', {
    what: 'A cable is cut, and packets to one of two sites take another way, which is 130 ms longer in each direction.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['network', 'one_endpoint'],
    side: 'network',
    names: ['{shop-2}'],
    setup: shop(relayed),
    begin: async (lab) => void (lab.relay('shop-2').behaviour = { delayMs: 130 }),
    end: async (lab) => relayAll(lab, 2, {}),
  }),
  outage('table-of-connections-is-full', 'connection_tracking', {
    what: 'The table of connections of a firewall is full for a moment each six seconds: new connections are reset, old ones go on.',
    marks: ['low rate'],
    suspects: ['network', 'connections_cut', 'nothing_listens'],
    side: 'network',
    names: [],
    setup: shop({ ...relayed, keys: { connections: { reuse: 'never' } } }),
    seconds: 115,
    begin: async (lab) =>
      startWaves(
        6000,
        250,
        () => relayAll(lab, 2, { refuses: true }),
        () => relayAll(lab, 2, {}),
      ),
    end: async (lab) => {
      endWaves();
      relayAll(lab, 2, {});
    },
  }),
  outage('record-is-emptied', 'empty_record', {
    what: 'Two programs write the record of the shop in turn, and leave it without addresses. Its process moves to another host meanwhile.',
    suspects: ['dns', 'dns_change', 'nothing_listens'],
    side: 'operator',
    names: ['shop'],
    setup: shop({ ...pair, host: 'shop.internal', named: 1 }),
    begin: async (lab) => {
      lab.dns.on('shop.internal', dnsRcode('NOERROR'));
      afterwards(5000, () => void lab.process('shop-1').stop());
    },
    end: async (lab) => {
      endWaves();
      lab.lead('shop.internal', '127.0.67.2');
    },
  }),
  outage('pattern-of-suggestions-backtracks', 'regular_expression', {
    what: 'A new pattern takes a third of a second for what people type into the search, and the thread does nothing else meanwhile.',
    harm: ['slow'],
    suspects: ['slow_application'],
    side: 'application',
    names: ['shop'],
    setup: shop(),
    begin: async (lab) => lab.behave('shop', { rules: [{ path: '/search/suggest', blockMs: 350 }] }),
    end: usualShop,
  }),
];

/** The fourth set of outages, after published reports of others. */
export const fourthOutages: readonly Outage[] = [
  ...hostOutages,
  ...fourthApplicationOutages,
  ...fourthOperatorOutages,
  ...fourthClientOutages,
];
