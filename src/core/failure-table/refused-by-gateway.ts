import { upperFirst } from '../first-letter.ts';
import type { CaseTexts } from '../failure-spec.ts';
import type { ForceCloseReason, Prohibition } from '../failure.ts';
import type { FailureTable } from './table.ts';
import { clause, duration, quoted } from './formatting.ts';

const raiseTimeout =
  "Compare the request's duration in `candor explain REQUEST-ID` with `drain.timeout` in the configuration, and raise that if such requests are normal; a service manager has to wait longer too (TimeoutStopSec).";

/** The gateway itself declined the request. In most cases no endpoint was involved. */
export const refusedByGateway = {
  no_route: {
    type: 'destination_not_found',
    status: 404,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: false,
    title: 'There is nothing at this address',
    sentence: ({ host, path }) => `No route matches host ${quoted(host)} and path ${quoted(path)}.`,
    forClient: 'There is nothing at this address. Check it for typing errors, or start from the home page.',
    usualCauses: [
      'a visitor followed an old link, or a scanner is guessing addresses',
      'DNS leads the host name to this gateway, but no route names it',
      'the route also matches by method or header, and this request has another value',
    ],
    nextStep:
      'Compare host, path and method with each of `routes` in the configuration, from the top: the gateway takes the first route that matches, and none did.',
  },
  no_endpoint_ready: {
    type: 'destination_unavailable',
    status: 503,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: true,
    title: 'The application is unavailable',
    sentence: ({ upstream, endpoints, reason, endpointCause }) =>
      `${noneReady(quoted(upstream), endpoints)}: ${clause(reason)}${endpointCause === undefined ? '' : ` (${endpointCause})`}.`,
    forClient:
      'The application behind this site is unavailable right now. It is being checked all the time, so try again shortly.',
    usualCauses: [
      'the application is down on every machine',
      'the path of the health check needs a login, redirects, or does not exist',
      'a database or another service that the health check depends upon is down',
      'a deploy replaced all instances at once',
    ],
    nextStep: 'Run `candor status`: it shows the state and the last check of every endpoint.',
    inThisCase: fixTexts,
  },
  instance_starting: {
    type: 'destination_unavailable',
    status: 503,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'The application is not ready yet',
    sentence: ({ upstream, application, sinceMs, last }) =>
      `The application ${quoted(application)} of upstream ${quoted(upstream)} has been starting for ${duration(sinceMs)} and ${last === undefined ? 'has not shown that it is ready' : `is not ready: ${clause(last)}`}.`,
    forClient: 'The application behind this site is starting and is not ready yet. Please try again in a moment.',
    usualCauses: [
      'it was started a moment ago and needs a few seconds',
      'it waits for a database, a migration or a download before it listens',
      'it does not listen on the port that PORT names, or listens on another address',
      'its readiness path does not answer 200',
    ],
    nextStep:
      'Read its output with `candor status`; if it says that it listens, compare the port with the PORT that it was given, and request `readiness.path` with curl.',
    inThisCase: (evidence) => ({
      ...fixTexts(evidence),
      ...(evidence.lasting === true ? { forClient: notReadyForClient } : {}),
    }),
  },
  circuit_open: {
    type: 'destination_unavailable',
    status: 503,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'The application is failing, and is given a pause',
    sentence: ({ upstream, endpoints, route, reason }) =>
      route === undefined
        ? `The circuit breaker of ${endpoints === 1 ? 'the endpoint' : `each of the ${endpoints} endpoints`} of ${quoted(upstream)} is open: ${clause(reason)}.`
        : `The circuit breaker of the route ${quoted(route)} to ${quoted(upstream)} is open: ${clause(reason)}.`,
    forClient: 'The application behind this site is failing right now. It is tried again within seconds.',
    usualCauses: [
      'the application accepts connections and does not answer in time, because a database or another service that it needs does not',
      'the application is overloaded: the pause lets it recover',
      'something else than the application listens at its address',
    ],
    nextStep:
      'Run `candor events`: it shows what the requests met that opened the breaker. It closes by itself when requests succeed.',
  },
  pool_full: {
    type: 'connection_limit_reached',
    status: 503,
    whose: 'gateway',
    retry: 'elsewhere',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'All connections to the application are in use',
    sentence: ({ upstream, limit, requestsMax, queueMax = 0 }) => {
      const waiting = queueMax > 0 ? `, and ${queueMax} requests already wait` : '';
      if (requestsMax !== undefined)
        return `All ${requestsMax} requests that an endpoint of upstream ${quoted(upstream)} may have are in flight${waiting}.`;
      return `All ${limit} connections that an endpoint of upstream ${quoted(upstream)} may have are in use${waiting === '' ? '' : `${waiting} for a connection`}.`;
    },
    forClient: 'More people are using this site than it can serve at once. Please try again in a few seconds.',
    usualCauses: [
      'the application has become slow, so that each request holds its connection longer',
      'there is more traffic than usual',
      'long downloads, event streams or WebSockets occupy connections meant for short requests',
    ],
    nextStep:
      "Compare the application's response times now and an hour ago; if it is well, raise `connections.max` (or `connections.requests_max`) of the upstream, or add endpoints.",
  },
  queue_timeout: {
    type: 'connection_limit_reached',
    status: 503,
    whose: 'gateway',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'All connections to the application stayed in use',
    sentence: ({ upstream, limit, requestsMax, waitedMs }) => {
      if (requestsMax !== undefined)
        return `As many requests as an endpoint of upstream ${quoted(upstream)} may have, ${requestsMax}, were in flight, and none of them ended in the ${duration(waitedMs)} that this request waited.`;
      return `All ${limit} connections that an endpoint of upstream ${quoted(upstream)} may have were in use, and no connection became free in the ${duration(waitedMs)} that this request waited.`;
    },
    forClient:
      'So many people are using this site that your turn has not come in time. Please try again in a few seconds.',
    usualCauses: [
      'the application has become slow, or hangs, so that each request holds its connection longer',
      'for some time there has been more traffic than the application can serve',
      'event streams or WebSockets take one connection after the other and keep them',
    ],
    nextStep:
      "Compare the application's response times now and an hour ago; if it is well, raise `connections.max` (or `connections.requests_max`) of the upstream, or add endpoints. A longer `connections.queue_timeout` helps only with bursts.",
  },
  concurrency_limit: {
    type: 'connection_limit_reached',
    status: 503,
    whose: 'gateway',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'As many requests as may be are in flight',
    sentence: ({ bound, limit, queueMax, displaced }) =>
      displaced === true
        ? `All ${limit} requests that ${quoted(bound)} may have in flight are, ${queueMax} more wait, and one of a higher priority has taken the place of this one.`
        : `All ${limit} requests that ${quoted(bound)} may have in flight are${queueMax > 0 ? `, and ${queueMax} more already wait for their turn` : ''}.`,
    forClient: 'This site has more to do at the moment than it can. Please try again in a few seconds.',
    usualCauses: [
      'more requests come to this route or upstream than its bound was made for',
      'the application answers more slowly, so that each request occupies its turn longer',
      'the bound adapts, and has found that the application can do less than before',
    ],
    nextStep:
      'Run `candor status`: BOUNDS has the requests in flight and those that wait. If the application is well, raise `concurrency.max`, or add endpoints.',
  },
  concurrency_timeout: {
    type: 'connection_limit_reached',
    status: 503,
    whose: 'gateway',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'Its turn did not come in time',
    sentence: ({ bound, limit, waitedMs }) =>
      `All ${limit} requests that ${quoted(bound)} may have in flight were, and the turn of this one did not come in the ${duration(waitedMs)} that it waited.`,
    forClient: 'This site has had more to do than it can for some seconds. Please try again a little later.',
    usualCauses: [
      'for some time more requests have come than the bound lets through',
      'a few requests that take long occupy most of the bound',
      'requests of a higher priority come without a pause',
    ],
    nextStep:
      'Run `candor status`: BOUNDS says for how long the oldest request waits. If that is usual, raise `concurrency.max`; a longer `concurrency.queue_timeout` helps only with bursts.',
  },
  deadline_unreachable: {
    type: 'connection_limit_reached',
    status: 503,
    whose: 'gateway',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'Its turn would come too late',
    sentence: ({ bound, limit, waitMs, leftMs }) =>
      `All ${limit} requests that ${quoted(bound)} may have in flight are, and the turn of this one would come in about ${duration(waitMs)}, when the ${duration(leftMs)} that it may take are over.`,
    forClient: 'This site cannot answer in the time that was asked for, because it has too much to do.',
    usualCauses: [
      'the queue is long, and moves more slowly than this request can wait',
      "the client's deadline (`grpc-timeout`) or `timeouts.exchange` is shorter than requests of this route usually wait",
    ],
    nextStep:
      'Compare the deadline with `turn_ms` in records of the same route; where requests wait for as long as they are worked on, raise `concurrency.max`, or add endpoints.',
  },
  too_many_endpoints: {
    type: 'destination_unavailable',
    status: 503,
    whose: 'gateway',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: true,
    title: 'The gateway has too many endpoints',
    sentence: ({ upstream, limit }) =>
      `The gateway can count connections to at most ${limit} endpoints, and this endpoint of upstream ${quoted(upstream)} would exceed that.`,
    forClient: 'The site is not set up correctly at the moment. Its operators must correct that.',
    usualCauses: [
      'a name in the configuration resolves to hundreds of addresses, or to other addresses with each lookup',
      'endpoints are replaced faster than the requests on the old ones end',
    ],
    nextStep: 'Count the endpoints that `candor status` shows, and split the upstreams over several gateways.',
  },
  local_ports_exhausted: {
    type: 'connection_limit_reached',
    status: 503,
    whose: 'gateway',
    retry: 'elsewhere',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: true,
    title: 'The gateway has no local port left',
    sentence: ({ address }) => `No local port is left for another connection to ${address} (EADDRNOTAVAIL).`,
    forClient: 'This site has opened as many connections as its machine allows.',
    usualCauses: [
      'the application closes every connection after one request, and thousands wait in TIME-WAIT',
      'net.ipv4.ip_local_port_range is narrow',
      'another program on this machine opens many connections to the same address',
    ],
    nextStep:
      'Count them with `ss -tan state time-wait | wc -l`; let the application keep connections alive, or widen `sysctl net.ipv4.ip_local_port_range`.',
  },
  descriptors_exhausted: {
    type: 'connection_limit_reached',
    status: 503,
    whose: 'operator',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: true,
    title: 'The gateway may not open any more files',
    sentence: ({ address, errno }) => `No file descriptor was left to connect to ${address} (${errno}).`,
    forClient: 'This site has reached a limit of its own machine. Please try again in a few minutes.',
    usualCauses: [
      'the limit of open files is the small default (1024) of the shell or the service manager',
      'many clients keep idle connections open',
      'the whole machine is at its limit (ENFILE)',
    ],
    nextStep:
      'Compare `ls /proc/PID/fd | wc -l` with `grep "open files" /proc/PID/limits`, and set LimitNOFILE= in the unit of the gateway to the number that `candor status` names, and the event `descriptors_exhausted` as `wanted`.',
  },
  loop_detected: {
    type: 'proxy_loop_detected',
    status: 502,
    whose: 'operator',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: false,
    title: 'The request came back to the gateway',
    sentence: ({ name, value }) => `The request has been through this gateway before (${name}: ${quoted(value)}).`,
    forClient: 'This site passes requests around in a circle. Its operators must correct the settings.',
    usualCauses: [
      'an endpoint in the configuration is an address of the gateway itself',
      'the public host name is used as an endpoint, and DNS leads back here',
      'two deployments that forward to each other have the same `deployment` name',
    ],
    nextStep:
      "Resolve each endpoint of the upstream with `getent ahosts NAME` and compare it with this machine's addresses (`ip -br addr`).",
  },
  hops_exceeded: {
    type: 'proxy_loop_detected',
    status: 502,
    whose: 'operator',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: false,
    title: 'The request went through too many gateways',
    sentence: ({ hops, limit }) => `The request has been through ${hops} gateways already; the limit is ${limit}.`,
    forClient: 'The request was passed on too often on its way to this site. The operators must untangle that.',
    usualCauses: [
      'gateways that hide their names from Via forward to each other in a circle',
      'a client sends a forged Via header',
      'a CDN that rewrites host names sends requests back to the public name again and again',
    ],
    nextStep:
      'Follow the request from the public name on: resolve the endpoint of each gateway with `getent ahosts NAME`, until one of them is the address of an earlier gateway.',
  },
  destination_prohibited: {
    type: 'destination_ip_prohibited',
    status: 502,
    whose: 'operator',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: false,
    title: "The application's address is prohibited",
    sentence: ({ address, name, prohibition }) =>
      `The gateway does not connect to ${address}${name === null ? '' : `, to which the name ${quoted(name)} resolves`}: ${prohibitions[prohibition]}.`,
    forClient: 'This site is set up to use a server that it is forbidden to reach. Its operators must correct that.',
    usualCauses: [
      'a host name resolves to a link-local or metadata address (169.254.169.254)',
      'a DNS record was changed to point into the internal network',
      'the address is in a network that `dns.deny` lists',
      "the endpoint is one of the gateway's own listeners",
    ],
    nextStep:
      'Resolve the name with `getent ahosts NAME`, and find out who changed its record; if the address is right, add it to `dns.allow` in the configuration.',
  },
  maintenance: {
    type: 'proxy_internal_response',
    status: 503,
    whose: 'operator',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: true,
    title: 'Closed for maintenance',
    sentence: ({ route, message }) =>
      `Route ${quoted(route)} is closed for maintenance${message === '' ? '' : `; visitors read ${quoted(message)}`}.`,
    forClient: 'This site is being worked on and will be back soon.',
    usualCauses: ['an operator has put the route into maintenance', 'an earlier maintenance was never ended'],
    nextStep:
      'Ask who began the maintenance. If `candor status` shows it under OVERLAY, `candor restore maintenance` ends it; else remove `maintenance` from the route in the configuration and run `candor reload`.',
  },
  pause_timeout: {
    type: 'proxy_internal_response',
    status: 503,
    whose: 'operator',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'The pause lasted too long',
    sentence: ({ paused, waitedMs }) =>
      `An operator has paused ${paused}, and the request waited ${waitedMs} ms without the pause ending.`,
    forClient: 'This site is being worked on and needs a little longer. Please try again in a moment.',
    usualCauses: ['the work behind the pause takes longer than a request may wait', 'a pause was never ended'],
    nextStep:
      'Run `candor status` to see who began the pause; end it with `candor restore`, or use `candor maintenance` if the work takes long.',
  },
  pause_full: {
    type: 'proxy_internal_response',
    status: 503,
    whose: 'operator',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'Too many requests wait for the end of a pause',
    sentence: ({ paused, limit }) =>
      `An operator has paused ${paused}, and as many requests as this worker may hold (${limit}) already wait for the end of the pause.`,
    forClient: 'This site is being worked on, and many visitors are waiting already. Please try again in a moment.',
    usualCauses: [
      'the pause lasts longer than it can at this traffic',
      'the pause was begun while there was much traffic',
    ],
    nextStep:
      'End the pause with `candor restore`; for the next one allow more requests to wait, or choose a time with less traffic.',
  },
  shed: {
    type: 'proxy_internal_response',
    status: 503,
    whose: 'gateway',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'The gateway is overloaded',
    sentence: ({ what, limit }) =>
      `The gateway turned the request away because ${what} had reached the limit of ${limit}.`,
    forClient: 'This site is overloaded at the moment. Please wait a little before you try again.',
    usualCauses: [
      'a rush of visitors, or of automatic requests',
      'all clients retry at the same moment after an earlier failure',
      'the machine has too little processor time for its traffic',
    ],
    nextStep:
      'See in `/metrics` of the admin API which route gets the requests, and with `top` whether the gateway has a whole core.',
  },
  too_many_connections: {
    type: 'proxy_internal_response',
    status: 503,
    whose: 'gateway',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: true,
    title: 'The gateway has as many client connections as it may have',
    sentence: ({ limit }) =>
      `${limit} client connections are already open, as many as \`client.connections_max\` allows.`,
    forClient: 'As many people are connected to this site as it can take. Please try again in a few seconds.',
    usualCauses: [
      'more clients than usual keep a connection open',
      'clients connect and send nothing, by mistake or to lock other clients out',
      '`client.connections_max` is lower than what this site needs',
    ],
    nextStep:
      'Count the connections of each address on the machine (`ss -tn`); raise `client.connections_max` if these clients are welcome, or lower `client.keep_alive`.',
  },
  drained: {
    type: 'destination_unavailable',
    status: 503,
    whose: 'operator',
    retry: 'elsewhere',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'The gateway was stopped or changed before the request was complete',
    sentence: ({ reason, what }) =>
      what === 'tunnel'
        ? `${forceCloseReasons[reason]}, and the tunnel was closed; the endpoint did not cause this.`
        : reason === 'ended_at_once'
          ? `${forceCloseReasons[reason]} while the request was still running; the endpoint did not cause this.`
          : `${forceCloseReasons[reason]}, and the request was still running when its time to finish was over; the endpoint did not cause this.`,
    forClient: 'This site was being updated or restarted while it worked on your request. Please try again now.',
    usualCauses: [
      'the gateway was stopped, upgraded or reloaded, and the request took longer than draining allows (an export, an upload)',
      'an event stream, a WebSocket or another tunnel stays open until the gateway closes it',
    ],
    nextStep: raiseTimeout,
    inThisCase: ({ reason, what }) => {
      if (!Object.hasOwn(forceCloseReasons, reason)) return null;
      if (reason === 'ended_at_once') return { usualCauses: causesOfForceClose[reason], nextStep: endOnce };
      if (what === 'tunnel')
        return { usualCauses: [...causesOfForceClose[reason], ...causesOfTunnelForceClose], nextStep: reopenTunnel };
      return { usualCauses: [...causesOfForceClose[reason], longerThanDrain], nextStep: raiseTimeout };
    },
  },
  gateway_stopping: {
    type: 'proxy_internal_response',
    status: 503,
    whose: 'operator',
    retry: 'elsewhere',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: true,
    title: 'The gateway is about to stop',
    sentence: () =>
      'The gateway is about to stop: it still serves requests, and asks load balancers to send no new ones.',
    forClient: 'This server is about to stop, and another one takes its place.',
    usualCauses: [
      'a release or a restart of the gateway, in its lame-duck time',
      'a load balancer asks a `readiness` route while the gateway drains, as it should',
    ],
    nextStep:
      'Run `candor status` to see what the gateway waits for; if visitors get this answer, remove `readiness` from their route, otherwise nothing is wrong.',
  },
  filter_timeout: {
    type: 'proxy_internal_error',
    status: 503,
    whose: 'gateway',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: true,
    title: 'A filter took too long to decide',
    sentence: ({ name, limitMs }) =>
      `The filter ${quoted(name)} of the route held the request for ${duration(limitMs)} without a decision; no endpoint had been asked.`,
    forClient: 'This site took too long to check your request before it was passed on. Please try again.',
    usualCauses: [
      'a service that the filter asks, for authorization for example, is slow or does not answer',
      'the filter does not call `resume` in every case',
    ],
    nextStep:
      'Look at the service that the filter asks; a filter may hold a request for as long as `timeouts.response_head` of its route.',
  },
  gateway_fault: {
    type: 'proxy_internal_error',
    status: 500,
    whose: 'gateway',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: false,
    title: 'The gateway made a mistake',
    sentence: ({ invariant }) => `A defect in the gateway itself: ${quoted(invariant)} does not hold.`,
    forClient: 'Something went wrong in the gateway of this site. Its operators can find the cause by the request id.',
    usualCauses: ['a defect in Candor', 'a module of your own that the configuration names has thrown an error'],
    nextStep:
      'Report it with the line that `candor explain REQUEST-ID --json` prints and with the version (`candor --version`).',
  },
  configuration_fault: {
    type: 'proxy_configuration_error',
    status: 500,
    whose: 'operator',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: false,
    title: 'The gateway is configured wrongly',
    sentence: ({ what }) => `The configuration cannot be carried out: ${clause(what)}.`,
    forClient: 'The settings of this site contradict themselves. Its operators must correct them.',
    usualCauses: [
      'a route names an upstream that does not exist in the running revision',
      'a file that the configuration refers to was removed after it was checked',
    ],
    nextStep: 'Run `candor check -c candor.yaml`, correct the errors that it prints, then run `candor reload`.',
  },
} satisfies Partial<FailureTable>;

/** Which part of the gateway ended: the beginning of a sentence. */
const forceCloseReasons: Readonly<Record<ForceCloseReason, string>> = {
  gateway_stopping: 'The gateway was stopped',
  ended_at_once:
    'The gateway ended at once (after a second signal or `candor stop --now`, or because the command of `candor run` ended before it was ready)',
  gateway_replaced: "Another process took the gateway's place (an upgrade), and this one ended",
  worker_replaced: 'The gateway replaced the worker that served the request',
  listener_gone: 'A reload removed the listener from the configuration',
};

const causesOfForceClose: Readonly<Record<ForceCloseReason, readonly string[]>> = {
  gateway_stopping: [
    'an operator or the service manager stopped or restarted the gateway (`candor events` of the next process begins with its start)',
  ],
  ended_at_once: [
    'an operator pressed Ctrl-C twice, sent a second SIGTERM, or ran `candor stop --now`',
    'the command of `candor run` ended before it was ready, and the gateway with it',
  ],
  gateway_replaced: ['an operator ran `candor upgrade`, or reloaded the service after an installation'],
  worker_replaced: ['a reload changed `workers`: their number, or the memory that each may use'],
  listener_gone: ['a listener was removed from the configuration, or got another address'],
};

const longerThanDrain = 'the request takes longer than `drain.timeout` allows (an export, an upload, an event stream)';

const causesOfTunnelForceClose: readonly string[] = [
  'a tunnel stays open for as long as both sides keep it, and the gateway waits for it no longer than `drain.timeout`, or not at all with `drain.tunnels: end`',
];

const endOnce =
  'Change nothing: to let requests finish next time, press Ctrl-C once, or run `candor stop` without `--now`; both wait for `drain.timeout`.';

const reopenTunnel =
  'Make sure that the client opens its tunnel again, as it must after any lost connection; then nothing is wrong. A longer `drain.timeout` in the configuration only delays the close.';

const prohibitions: Readonly<Record<Prohibition, string>> = {
  own_listener: "it is one of the gateway's own listeners",
  loopback: 'it is a loopback address, which only the hosts file or the configuration may name',
  link_local: 'it is a link-local address',
  metadata: 'it is the metadata address, where clouds keep credentials of the machine',
  multicast: 'it is a multicast address',
  unspecified: 'it is the unspecified address',
  reserved: 'it is reserved',
  denied: '`dns.deny` lists it',
};

function noneReady(upstream: string, endpoints: number): string {
  if (endpoints === 0) return `Upstream ${upstream} has no endpoint`;
  return endpoints === 1
    ? `The one endpoint of upstream ${upstream} is not ready`
    : `None of the ${endpoints} endpoints of upstream ${upstream} is ready`;
}

/** The step that a readiness check suggests replaces the general one. */
/** What keeps all endpoints from being ready. */
interface FoundTexts {
  readonly fix?: string;
  readonly lasting?: true;
  readonly exits?: number;
}

function fixTexts({ fix, lasting, exits }: FoundTexts): CaseTexts | null {
  if (fix === undefined) return null;
  return {
    nextStep: `${upperFirst(fix)}.`,
    ...(lasting === true ? { temporary: false } : {}),
    // How it ended is known, so that nothing has to be guessed.
    ...(exits === undefined ? {} : { usualCauses: [] }),
  };
}

const notReadyForClient =
  'The application behind this site has started, but is not ready. Its operators must look at it.';
