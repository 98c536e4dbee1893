import { certificateAuthority } from '../../src/testing/certificates.ts';
import { dnsRcode } from '../../src/testing/dns-server.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { pair, shop, shopWithSearch, single } from './shop.ts';

const behindRelay = { ...single, hasRelay: true } as const;
const named = { ...pair, host: 'shop.internal', named: 1 } as const;
const overTls = { ...single, tls: 'usual' } as const;
const proxyPage = [
  'HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: 157\r\nConnection: close\r\n\r\n',
  '<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>'.padEnd(
    157,
  ),
].join('');

/** What is between the gateway and the application: networks, proxies, names, certificates. */
export const networkOutages: readonly Outage[] = [
  outage('network-is-slow', 'network', {
    what: 'A detour of the network: everything takes 600 ms longer.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['network', 'slow_application'],
    side: 'network',
    names: [],
    setup: shop(behindRelay),
    begin: async (lab) => void (lab.relay('shop-1').behaviour = { delayMs: 300 }),
    end: async (lab) => void (lab.relay('shop-1').behaviour = {}),
  }),
  outage('network-passes-nothing', 'network', {
    what: 'A firewall drops the packets of all connections: nothing comes back.',
    suspects: ['network', 'slow_application'],
    side: 'network',
    names: ['shop'],
    setup: shop(behindRelay, { keys: { timeouts: { response_head: '5s' } } }),
    seconds: 70,
    begin: async (lab) => void (lab.relay('shop-1').behaviour = { passesNothing: true }),
    end: async (lab) => void (lab.relay('shop-1').behaviour = {}),
  }),
  outage('network-resets-some', 'network', {
    what: 'A device in the network resets two of a hundred requests.',
    marks: ['low rate'],
    suspects: ['connections_cut', 'network'],
    side: 'network',
    names: ['shop'],
    setup: shop(behindRelay),
    seconds: 115,
    begin: async (lab) => void (lab.relay('shop-1').behaviour = { resetShare: 0.06 }),
    end: async (lab) => void (lab.relay('shop-1').behaviour = {}),
  }),
  outage('large-packets-are-lost', 'network', {
    what: 'A tunnel loses large packets: the large script never comes whole, everything small does.',
    marks: ['no 5xx'],
    suspects: ['network', 'connections_cut', 'slow_application'],
    side: 'network',
    names: ['static'],
    setup: shop(behindRelay, { keys: { timeouts: { idle: '4s' } } }),
    begin: async (lab) => void (lab.relay('shop-1').behaviour = { responseBytesMax: 12_000 }),
    end: async (lab) => void (lab.relay('shop-1').behaviour = {}),
  }),
  outage('proxy-cuts-long-requests', 'proxy_between', {
    what: 'A proxy between has got a limit of one second: every report is cut, in the same time.',
    suspects: ['connections_cut', 'network'],
    side: 'network',
    names: ['reports'],
    setup: shop(behindRelay),
    seconds: 115,
    begin: async (lab) => void (lab.relay('shop-1').behaviour = { cutAfterMs: 1000 }),
    end: async (lab) => void (lab.relay('shop-1').behaviour = {}),
  }),
  outage('proxy-shows-its-error-page', 'proxy_between', {
    what: 'A proxy between answers three of a hundred requests with its own 502, in HTML.',
    marks: ['low rate'],
    suspects: ['application_errors', 'invalid_responses', 'network', 'dependency'],
    side: 'application',
    names: ['shop'],
    setup: shop(behindRelay),
    begin: async (lab) => void (lab.relay('shop-1').behaviour = { answerShare: 0.03, answer: proxyPage }),
    end: async (lab) => void (lab.relay('shop-1').behaviour = {}),
  }),
  outage('firewall-forgets-idle-connections', 'half_open', {
    what: 'A firewall forgets connections that were idle for a second, and drops what comes on them.',
    suspects: ['network', 'connections_cut', 'keep_alive_race'],
    side: 'network',
    names: [],
    setup: shop(behindRelay, { keys: { timeouts: { response_head: '5s' } } }),
    begin: async (lab) => void (lab.relay('shop-1').behaviour = { forgetsAfterMs: 700 }),
    end: async (lab) => void (lab.relay('shop-1').behaviour = {}),
  }),
  outage('keep-alive-race', 'keep_alive', {
    what: 'The application closes connections after a second at rest, just as the next request comes: some POSTs are lost.',
    marks: ['low rate'],
    suspects: ['keep_alive_race', 'connections_cut'],
    side: 'application',
    names: ['shop'],
    setup: shop(pair),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('shop', {
        rules: [
          { method: 'POST', idleMs: 300, share: 0.5, end: 'close' },
          { method: 'POST', idleMs: 60, share: 0.1, end: 'close' },
        ],
      }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('name-leads-to-another-application', 'dns', {
    what: 'A changed record leads the name to another application, which answers 404 to nearly everything.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['dns_change', 'changed_responses', 'another_program'],
    side: 'operator',
    names: ['shop'],
    setup: shop(named),
    seconds: 90,
    begin: async (lab) => {
      lab.behave('shop-2', { rules: [{ path: '/healthz' }, { status: 404, type: 'text/html', bytes: 800 }] });
      lab.lead('shop.internal', '127.0.67.2');
    },
    end: async (lab) => lab.lead('shop.internal', '127.0.67.1'),
  }),
  outage('name-leads-nowhere', 'dns', {
    what: 'The old host is switched off after a change of the record, whose new address has a mistake: nothing listens there.',
    suspects: ['dns_change', 'nothing_listens', 'dns'],
    side: 'operator',
    names: ['shop'],
    setup: shop(named),
    seconds: 90,
    begin: async (lab) => {
      lab.lead('shop.internal', '127.0.67.9');
      setTimeout(() => void lab.process('shop-1').stop(), 12_000);
    },
    end: async (lab) => {
      lab.lead('shop.internal', '127.0.67.1');
      await lab.start('shop-1');
    },
  }),
  outage('stale-address', 'dns', {
    what: 'The name server fails; the address that is still used was given to another application meanwhile, which answers 200 with its page.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['dns', 'another_program', 'changed_responses'],
    side: 'operator',
    names: ['shop'],
    setup: shop(named),
    seconds: 90,
    begin: async (lab) => {
      lab.dns.on('shop.internal', dnsRcode('SERVFAIL'));
      lab.behave('shop-1', { rules: [{ status: 200, type: 'text/html', bytes: 1200 }] });
    },
    end: async (lab) => {
      lab.lead('shop.internal', '127.0.67.1');
      lab.behaveUsually('shop-1');
    },
  }),
  outage('second-address-is-half-ready', 'dns', {
    what: 'A second address is added to the name. That host lacks a part of its data: a few orders are 404.',
    marks: ['low rate', 'no 5xx'],
    harm: ['different'],
    suspects: ['dns_change', 'one_endpoint', 'changed_responses'],
    side: 'operator',
    names: ['{shop-2}|127.0.67.2'],
    setup: shop(named),
    seconds: 110,
    begin: async (lab) => {
      lab.behave('shop-2', { rules: [{ path: '/api/orders', share: 0.08, status: 404, bytes: 60 }] });
      lab.lead('shop.internal', '127.0.67.1', '127.0.67.2');
    },
    end: async (lab) => lab.lead('shop.internal', '127.0.67.1'),
  }),
  outage('certificate-expires', 'certificate', {
    what: 'The certificate of the application expires while requests go on.',
    suspects: ['certificate'],
    side: 'operator',
    names: ['shop'],
    setup: shop({ ...single, tls: 'expires', keys: { connections: { idle_timeout: '1s' } } }),
    healthySeconds: 92,
    seconds: 90,
    begin: async (lab) => lab.behave('shop', { keepAliveMs: 300 }),
    end: async (lab) => {
      lab.certify('shop', ['shop.internal']);
      lab.behaveUsually('shop');
      await lab.restart('shop-1');
    },
  }),
  outage('certificate-of-another-name', 'certificate', {
    what: 'A renewal brought the certificate of another host.',
    suspects: ['certificate'],
    side: 'operator',
    names: ['shop'],
    setup: shop(overTls),
    begin: async (lab) => {
      lab.certify('shop', ['mail.internal']);
      await lab.restart('shop-1');
    },
    end: async (lab) => {
      lab.certify('shop', ['shop.internal']);
      await lab.restart('shop-1');
    },
  }),
  outage('certificate-of-unknown-authority', 'certificate', {
    what: 'The search service was set up anew with a certificate of its own authority, which the gateway does not trust.',
    suspects: ['certificate', 'tls_settings'],
    side: 'operator',
    names: ['search'],
    setup: shopWithSearch(pair, overTls),
    begin: async (lab) => {
      lab.certify('search', ['shop.internal'], undefined, certificateAuthority(Date.now(), 'Other Authority'));
      await lab.restart('search-1');
    },
    end: async (lab) => {
      lab.certify('search', ['shop.internal']);
      await lab.restart('search-1');
    },
  }),
  outage('streams-break', 'streams', {
    what: 'A new limit of the application ends streams of events and WebSockets after four seconds.',
    marks: ['no 5xx'],
    suspects: ['connections_cut'],
    side: 'application',
    names: ['events|ws'],
    setup: shop(pair, { events: 10, sockets: 8 }),
    begin: async (lab) => lab.behave('shop', { streamMs: 4000 }),
    end: async (lab) => lab.behaveUsually('shop'),
  }),
  outage('websockets-are-refused', 'streams', {
    what: 'A filter of the application takes upgrades for attacks: 403 to each WebSocket.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['changed_responses'],
    side: 'application',
    names: ['ws'],
    setup: shop(pair, { sockets: 10 }),
    begin: async (lab) => {
      lab.behave('shop', { streamMs: 500, rules: [{ path: '/ws', status: 403 }] });
      for (const one of ['shop-1', 'shop-2']) await lab.restart(one);
    },
    end: async (lab) => lab.behaveUsually('shop'),
  }),
];
