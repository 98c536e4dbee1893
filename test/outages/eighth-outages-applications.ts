import { boxOffice, boxOfficeFlows } from './box-office.ts';
import { usualBoxOffice } from './eighth-outages-answers.ts';
import { endWaves, startWaves } from './fourth-waves.ts';
import type { Lab } from './lab.ts';
import { meterAddresses, meterFlows, meters } from './meters.ts';
import type { Outage } from './outage.ts';
import { outage } from './outage-form.ts';
import { managed, pair } from './shop.ts';

const moreTickets = { method: 'GET', path: '/b/tickets/{n}', perSecond: 4 };
const moreOrders = { method: 'POST', path: '/b/orders', perSecond: 5 };
const moreScans = { method: 'POST', path: '/gate/scans', perSecond: 8 };
const moreCharts = { method: 'GET', path: '/dash/charts/{n}', perSecond: 6 };
const moreExports = { method: 'GET', path: '/exports/{n}', perSecond: 4 };
const passes = { method: 'GET', path: '/b/tickets/pass/{n}', perSecond: 0.25 };
const compressed = {
  ...{ method: 'POST', path: '/m/readings', perSecond: 7, clients: meterAddresses },
  headers: { 'content-encoding': 'gzip' },
};

const brokenOff = `HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n${`2000\r\n${'7;'.repeat(4096)}\r\n`.repeat(12)}`;
const headCut = 'HTTP/1.1 200 OK\r\nContent-Type: applicati';
const printer =
  'HTTP/1.0 404 Not Found\r\nServer: PrintServer/2.1\r\nContent-Type: text/html\r\nContent-Length: 40\r\nConnection: close\r\n\r\n<html><body>Page not found</body></html>';

const usualMeters =
  (application: 'intake' | 'dash' | 'exports') =>
  async (lab: Lab): Promise<void> =>
    lab.behaveUsually(application);

let lastRestart: Promise<void> = Promise.resolve();

/** One host after the other is replaced by a fresh one, which says too early that it is ready. */
function replaceHosts(lab: Lab, count: number): void {
  let turn = 0;
  const rules = [{ path: '/healthz' }, { times: 90, status: 503, type: 'application/json', bytes: 50, latencyMs: 1 }];
  const replace = (): void => {
    const name = `office-${1 + (turn++ % count)}`;
    lab.behave(name, { rules });
    lastRestart = lab.restart(name);
  };
  startWaves(13_000, 1000, replace, () => {});
}

/** Programs, what they run on, and what is behind them. */
export const eighthApplicationOutages: readonly Outage[] = [
  outage('pipe-of-the-log-is-full', 'log_pipe', {
    what: 'The collector of logs stands still, and the pipe to it is full. Whoever writes a line waits: seats are not held and orders never answered, while reading, which prints nothing, goes on.',
    suspects: ['slow_application', 'resource_limit', 'client_timeout'],
    marks: ['no 5xx'],
    side: 'application',
    names: ['holds|orders'],
    setup: boxOffice(),
    begin: async (lab) =>
      lab.behave('office', {
        rules: [
          { path: '/b/holds', method: 'POST', end: 'hang' },
          { path: '/b/orders', method: 'POST', end: 'hang' },
        ],
      }),
    end: usualBoxOffice('office'),
  }),
  outage('one-show-has-no-hall', 'bad_record', {
    what: 'An organizer saved a show without a hall, which the form allows and the list of shows cannot draw: the list is 500 for everybody. The page of each show is fine.',
    suspects: ['application_errors'],
    side: 'application',
    names: ['shows'],
    setup: boxOffice({ site: managed }),
    begin: async (lab) =>
      lab.behave('site', {
        rules: [
          { path: '/shows/' },
          {
            ...{ path: '/shows', status: 500, bytes: 500 },
            prints: "TypeError: Cannot read properties of null (reading 'seats')",
          },
        ],
      }),
    end: usualBoxOffice('site'),
  }),
  outage('certificate-of-the-signer-expires', 'signing', {
    what: 'Tickets for the wallets of phones are signed, and the certificate for it has expired: they are 500, one of thirty tickets. Those on paper are not signed.',
    marks: ['low rate'],
    suspects: ['application_errors'],
    side: 'application',
    names: ['tickets'],
    setup: boxOffice({ office: managed }, { flows: boxOfficeFlows({ moreTickets, passes }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('office', {
        rules: [
          {
            ...{ path: '/b/tickets/pass', status: 500, type: 'application/json', bytes: 60, latencyMs: 20 },
            prints: 'Error: cannot sign the pass: certificate expired at 2026-11-28T00:00:00Z',
          },
        ],
      }),
    end: usualBoxOffice('office'),
  }),
  outage('programs-for-tickets-cannot-be-started', 'process_limit', {
    what: 'Each ticket is drawn by a program that is started for it. Leftovers of a hanging job have used up the processes that the user may have: six of ten starts fail, 500.',
    suspects: ['application_errors', 'resource_limit'],
    side: 'application',
    names: ['tickets'],
    setup: boxOffice({ office: managed }, { flows: boxOfficeFlows({ moreTickets }) }),
    begin: async (lab) =>
      lab.behave('office', {
        rules: [
          {
            ...{ path: '/b/tickets', share: 0.6, status: 500, type: 'application/json', bytes: 60, latencyMs: 5 },
            prints: 'Error: spawn /usr/bin/draw-ticket EAGAIN',
          },
        ],
      }),
    end: usualBoxOffice('office'),
  }),
  outage('exports-break-off-at-a-row', 'streamed_export', {
    what: 'Exports are written row by row. One meter has a date that cannot be read: those of its owner, six of ten, break off there, after 200.',
    suspects: ['connections_cut', 'application_errors', 'invalid_responses'],
    side: 'application',
    names: ['exports'],
    setup: meters({ exports: managed }, { flows: meterFlows({ moreExports }) }),
    begin: async (lab) =>
      lab.behave('exports', {
        rules: [{ path: '/exports', share: 0.6, raw: brokenOff, prints: 'RangeError: Invalid time value' }],
      }),
    end: usualMeters('exports'),
  }),
  outage('release-reads-no-compressed-readings', 'request_coding', {
    what: 'A release leaves out the part that unpacks requests. Newer meters compress their readings, and get 415; they keep what they could not send.',
    marks: ['no 5xx'],
    harm: ['different'],
    suspects: ['release'],
    side: 'application',
    names: ['readings'],
    setup: meters({ intake: managed }, { flows: meterFlows({ compressed }) }),
    begin: async (lab) =>
      lab.release('intake', {
        rules: [
          { path: '/m/readings', lacks: 'content-encoding' },
          { path: '/m/readings', status: 415, bytes: 70, latencyMs: 1 },
        ],
      }),
    end: async (lab) => lab.release('intake', {}),
  }),
  outage('a-printer-has-the-address-of-a-host', 'duplicate_address', {
    what: 'A new printer was given the address of one of two hosts. Its switch believes now the one and now the other: for seven of each thirteen seconds the printer answers in place of the host.',
    harm: ['different'],
    suspects: ['one_endpoint', 'another_program', 'network'],
    side: 'network',
    names: ['{office-2}'],
    setup: boxOffice({ office: { ...pair, hasRelay: true } }),
    begin: async (lab) => {
      const relay = lab.relay('office-2');
      startWaves(
        13_000,
        7000,
        () => void (relay.behaviour = { answerShare: 1, answer: printer }),
        () => void (relay.behaviour = {}),
      );
    },
    end: async (lab) => {
      endWaves();
      lab.relay('office-2').behaviour = {};
    },
  }),
  outage('exports-go-to-sleep', 'scale_to_zero', {
    what: 'The plan of the service for exports was changed to a cheaper one, whose machines go to sleep when nothing comes for a second: whoever comes then waits two and a half.',
    marks: ['no 5xx'],
    harm: ['slow'],
    suspects: ['slow_application'],
    side: 'application',
    names: ['exports'],
    setup: meters(),
    begin: async (lab) => lab.behave('exports', { rules: [{ path: '/exports', quietMs: 900, latencyMs: 2600 }] }),
    end: usualMeters('exports'),
  }),
  outage('statements-may-take-a-second', 'statement_timeout', {
    what: 'Against long queries a person gave every statement of the database one second. The charts of the largest houses, three of a hundred, take longer: 500, each after just a second.',
    marks: ['low rate'],
    suspects: ['application_errors', 'dependency'],
    side: 'application',
    names: ['charts'],
    setup: meters({ dash: managed }, { flows: meterFlows({ moreCharts }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('dash', {
        rules: [
          {
            ...{ path: '/dash/charts', share: 0.03, status: 500, bytes: 60, latencyMs: 1005 },
            prints: 'error: canceling statement due to statement timeout',
          },
        ],
      }),
    end: usualMeters('dash'),
  }),
  outage('heads-break-off', 'truncated_head', {
    what: 'A new library writes the head of an answer in two parts, and closes the connection between them when a timer fires at the wrong moment: three of a hundred scans.',
    marks: ['low rate'],
    suspects: ['connections_cut', 'invalid_responses'],
    side: 'application',
    names: ['gate'],
    setup: boxOffice({}, { flows: boxOfficeFlows({ moreScans }) }),
    seconds: 115,
    begin: async (lab) => lab.behave('office', { rules: [{ path: '/gate', share: 0.03, raw: headCut }] }),
    end: usualBoxOffice('office'),
  }),
  outage('rented-machines-come-and-go', 'early_readiness', {
    what: 'The machines are cheap ones that are taken back and replaced every few seconds. A fresh one passes its check before it has loaded the plans of the halls, and answers 503 until then.',
    suspects: ['lying_check', 'application_errors', 'one_endpoint'],
    side: 'application',
    names: ['office'],
    setup: boxOffice({ office: { ...pair, instances: 3 } }),
    begin: async (lab) => replaceHosts(lab, 3),
    end: async (lab) => {
      endWaves();
      await lastRestart;
      lab.behaveUsually('office');
    },
  }),
  outage('some-threads-remember-an-old-address', 'dns_cache', {
    what: 'The tax office has moved its service to another address. A few threads of the application keep the old one for ever: four of a hundred orders wait three seconds for it, and get a 502 of the application.',
    marks: ['low rate'],
    suspects: ['application_errors', 'dependency', 'slow_application'],
    side: 'application',
    names: ['orders'],
    setup: boxOffice({ office: managed }, { flows: boxOfficeFlows({ moreOrders }) }),
    seconds: 115,
    begin: async (lab) =>
      lab.behave('office', {
        rules: [
          {
            ...{ path: '/b/orders', method: 'POST', share: 0.04, status: 502, bytes: 60, latencyMs: 3000 },
            prints: 'Error: connect ETIMEDOUT 198.51.100.7:443',
          },
        ],
      }),
    end: usualBoxOffice('office'),
  }),
];
