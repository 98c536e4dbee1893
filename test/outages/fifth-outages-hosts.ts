import { ordinaryFlows } from './flows.ts';
import { afterwards, endWaves, startWaves } from './fourth-waves.ts';
import type { Lab } from './lab.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import type { Relay } from './relay.ts';
import { pair, shop } from './shop.ts';
import { usualShop } from './third-outages-applications.ts';

const usual = ordinaryFlows();
const { 'GET /reports/monthly': _, ...withoutReports } = usual;
const both = ['shop-1', 'shop-2'] as const;
const relayed = { ...pair, hasRelay: true } as const;
const scripts = { method: 'GET', path: '/static/app.js', perSecond: 4 };
/** Each answer takes four times as long as in other plays, and a process works on two at a time. */
const twoSmall = { ...pair, behaviour: { capacity: 2, queueMax: 20, rules: [{ slower: 4 }] } };
const slowUploads = {
  ...{ method: 'POST', path: '/upload', perSecond: 1, body: 'x'.repeat(400_000), bodyMs: 16_000, timeoutMs: 40_000 },
  headers: { connection: 'close' },
};
const shortUploads = {
  ...{ method: 'POST', path: '/upload', perSecond: 1.5, body: 'x'.repeat(400_000), bodyMs: 3000 },
  headers: { connection: 'close' },
};
const yesterday = Date.now() - 86_400_000;

function relayBoth(lab: Lab, behaviour: Relay['behaviour']): void {
  for (const one of both) lab.relay(one).behaviour = behaviour;
}

/** Machines, names, certificates, and the network between them and the gateway. */
export const fifthHostOutages: readonly Outage[] = [
  outage('snapshots-freeze-the-machine', 'virtual_machine', {
    what: 'Snapshots of the virtual machine freeze both processes for 2.5 s, each fifteen seconds.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application', 'network'],
    side: 'application',
    names: ['shop'],
    setup: shop(),
    begin: async (lab) =>
      startWaves(
        15_000,
        2500,
        () => both.forEach((one) => lab.process(one).signal('SIGSTOP')),
        () => both.forEach((one) => lab.process(one).signal('SIGCONT')),
      ),
    end: async (lab) => {
      endWaves();
      for (const one of both) lab.process(one).signal('SIGCONT');
    },
  }),
  outage('one-host-cuts-large-files', 'gray_host', {
    what: 'The driver of the network card of one of three hosts breaks: one of eight large scripts from it ends in the middle.',
    marks: ['low rate', 'no 5xx'],
    suspects: ['one_endpoint', 'connections_cut'],
    side: 'application',
    names: ['{shop-2}'],
    setup: shop({ ...pair, instances: 3 }, { flows: { ...usual, scripts } }),
    seconds: 115,
    begin: async (lab) => lab.behave('shop-2', { rules: [{ path: '/static/app', share: 0.13, end: 'cut' }] }),
    end: usualShop,
  }),
  outage('cable-of-one-host-is-loose', 'packet_loss', {
    what: 'The cable of one of three hosts is loose: some of its packets are lost and come again 0.9 s later.',
    marks: ['low rate', 'no 5xx'],
    harm: ['slow'],
    suspects: ['network', 'one_endpoint'],
    side: 'network',
    names: ['{shop-2}'],
    setup: shop({ ...relayed, instances: 3 }),
    seconds: 115,
    begin: async (lab) => void (lab.relay('shop-2').behaviour = { lossShare: 0.06, lossMs: 900 }),
    end: async (lab) => void (lab.relay('shop-2').behaviour = {}),
  }),
  outage('backups-fill-the-link', 'bandwidth', {
    what: 'Backups fill the link between the sites, and its queues grow: packets take 25 ms, then 80, 160 and 280 in each direction.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['network', 'slow_application'],
    side: 'network',
    names: [],
    setup: shop(relayed),
    begin: async (lab) => {
      for (const [index, delayMs] of [25, 80, 160, 280].entries())
        afterwards(index * 8000, () => relayBoth(lab, { delayMs }));
    },
    end: async (lab) => {
      endWaves();
      relayBoth(lab, {});
    },
  }),
  outage('proxy-between-ends-slow-uploads', 'cut_uploads', {
    what: 'A proxy between waits 0.7 s for more of a request: uploads of phones with bad lines are cut, all else passes.',
    marks: ['low rate'],
    suspects: ['connections_cut', 'network'],
    side: 'network',
    names: ['pages'],
    setup: shop(relayed, { flows: { ...withoutReports, slowUploads } }),
    seconds: 115,
    begin: async (lab) => relayBoth(lab, { cutAfterMs: 700 }),
    end: async (lab) => relayBoth(lab, {}),
  }),
  outage('watchdog-kills-in-turn', 'restart', {
    what: 'A watchdog with a wrong limit kills one of the two processes each twelve seconds, in turn: what it was receiving is lost.',
    marks: ['low rate'],
    suspects: ['connections_cut', 'nothing_listens', 'one_endpoint', 'crash'],
    side: 'application',
    names: [],
    setup: shop(pair, { flows: { ...usual, shortUploads } }),
    seconds: 115,
    begin: async (lab) => {
      let turn = 0;
      const restart = async (one: string): Promise<void> => {
        await lab.process(one).stop('SIGKILL');
        await lab.start(one);
      };
      startWaves(
        12_000,
        0,
        () => void restart(both[turn++ % 2] ?? ''),
        () => {},
      );
    },
    end: async () => endWaves(),
  }),
  outage('web-server-of-one-host-lost-its-application', 'lying_check', {
    what: 'On one of two hosts the application behind the web server has ended. The page of the check and files are served still, all else is 502.',
    suspects: ['one_endpoint', 'lying_check', 'application_errors'],
    side: 'application',
    names: ['{shop-2}'],
    setup: shop(),
    begin: async (lab) =>
      lab.behave('shop-2', {
        rules: [{ path: '/healthz' }, { path: '/static' }, { status: 502, type: 'text/html', bytes: 150 }],
      }),
    end: usualShop,
  }),
  outage('one-name-server-has-the-old-address', 'stale_name_server', {
    what: 'One of two name servers was forgotten: for seven of each fourteen seconds the name leads to the old host, whose database is closed, so that its API is 500.',
    suspects: ['dns_change', 'dns', 'application_errors'],
    side: 'operator',
    names: ['shop'],
    setup: shop({ ...pair, host: 'shop.internal', named: 1 }),
    begin: async (lab) => {
      lab.behave('shop-2', { rules: [{ path: '/api', status: 500 }] });
      startWaves(
        14_000,
        7000,
        () => lab.lead('shop.internal', '127.0.67.2'),
        () => lab.lead('shop.internal', '127.0.67.1'),
      );
    },
    end: async (lab) => {
      endWaves();
      lab.lead('shop.internal', '127.0.67.1');
    },
  }),
  outage('renewal-fails-on-one-host', 'certificate_of_one_host', {
    what: 'The certificate of one of two hosts was not renewed, and expired. The other host cannot bear the load alone.',
    harm: ['slow'],
    suspects: ['certificate', 'one_endpoint'],
    side: 'operator',
    names: ['{shop-2}'],
    setup: shop({ ...twoSmall, tls: 'usual' }, { flows: withoutReports }),
    begin: async (lab) => {
      lab.certify('shop', ['shop.internal'], yesterday);
      await lab.restart('shop-2');
    },
    end: async (lab) => {
      lab.certify('shop', ['shop.internal']);
      await lab.restart('shop-2');
    },
  }),
  outage('restart-brings-an-old-version-of-tls', 'tls_versions', {
    what: 'An old file of settings comes into force with a restart: both processes speak TLS 1.1 at most, which the gateway refuses.',
    suspects: ['tls_settings', 'certificate'],
    side: 'application',
    names: ['shop'],
    setup: shop({ ...pair, tls: 'usual' }),
    begin: async (lab) => {
      lab.behave('shop', { tls: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' } });
      for (const one of both) await lab.restart(one);
    },
    end: async (lab) => {
      await usualShop(lab);
      for (const one of both) await lab.restart(one);
    },
  }),
];
