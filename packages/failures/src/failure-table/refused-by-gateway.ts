import type { ForceCloseReason, Prohibition } from '../failure.ts';
import type { FailureTable } from '../failure-spec.ts';
import { declined } from './declined.ts';
import { files } from './files.ts';
import { clause, duration, quoted } from './formatting.ts';
import { gatewayLimits } from './gateway-limits.ts';
import { noEndpoint } from './no-endpoint.ts';

const raiseTimeout =
  "Compare the request's duration in `candor explain REQUEST-ID` with `drain.timeout` in the configuration, and raise that if such requests are normal; a service manager has to wait longer too (TimeoutStopSec).";

/** The gateway itself declined the request. In most cases no endpoint was involved. */
export const refusedByGateway = {
  ...noEndpoint,
  ...gatewayLimits,
  loop_detected: {
    type: 'proxy_loop_detected',
    status: 502,
    whose: 'operator',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: false,
    title: 'The request came back to the gateway',
    sentence: ({ name, value, route, passage, limit }) =>
      passage > limit
        ? `The request has been through gateways of this name ${passage - 1} times, and ${limit} times is the limit (${name}: ${quoted(value)}).`
        : `The request has been through route ${quoted(route)} before (${name}: ${quoted(value)}).`,
    forClient: 'This site passes requests around in a circle. Its operators must correct the settings.',
    usualCauses: [
      'the application calls this site with the headers of the request that it answers, and that leads to the same route',
      'an endpoint in the configuration is an address of the gateway itself',
      'the public host name is used as an endpoint, and DNS leads back here',
      'gateways with the same `deployment` name forward to each other',
    ],
    nextStep:
      "Look which application behind the route sends requests to this site: what it forwards must lead to another route, and for a request of its own it must not copy `Via` and `CDN-Loop`. If none does, resolve each endpoint of the upstream with `getent ahosts NAME` and compare it with this machine's addresses (`ip -br addr`).",
    // A client cannot know what stands for a route in CDN-Loop; it can write any names.
    inThisCase: ({ passage, limit }) => (passage > limit ? { whose: 'client' } : null),
  },
  hops_exceeded: {
    type: 'proxy_loop_detected',
    status: 502,
    // Only the request itself says so.
    whose: 'client',
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
    usualCauses: [
      'an operator has put the route into maintenance',
      'a window of `maintenance_windows` has begun',
      'an earlier maintenance was never ended',
    ],
    nextStep:
      'Ask who began the maintenance. If `candor status` shows it under OVERLAY, `candor restore maintenance` ends it; one under MAINTENANCE WINDOWS ends by itself, and `maintenance_windows` of the configuration has it; else remove `maintenance` from the route in the configuration and run `candor reload`.',
  },
  closed_by_route: {
    type: 'proxy_internal_response',
    // No response is sent.
    status: 0,
    whose: 'operator',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: false,
    title: 'Closed without an answer',
    sentence: ({ route }) =>
      `Route ${quoted(route)} answers no request: the gateway closed the connection, or reset the stream of HTTP/2.`,
    forClient: 'This address is not served.',
    usualCauses: [
      'a scanner asks for what the operators of the site do not answer',
      'the route with `respond: close` matches more requests than was meant',
    ],
    nextStep:
      'If the request should have been answered, run `candor route URL` to see which route takes it, and change what that route matches.',
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
  ...files,
  ...declined,
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
  instance_stopped: 'The gateway stopped the instance, as when a release takes the place of another',
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
  instance_stopped: ['an operator deployed a release, restarted the application, or changed its configuration'],
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
