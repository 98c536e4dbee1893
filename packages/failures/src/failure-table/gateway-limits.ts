import { sentenceOf } from '../first-letter.ts';
import { stoppedStep, stoppedText } from '../process-text.ts';
import { duration, quoted } from './formatting.ts';
import type { FailureTable } from '../failure-spec.ts';

const pidsOf = (text: string): readonly number[] => text.split(' ').map(Number);

/** A pool that is full because nothing answers: the processes are stopped. */
function whyStopped(stoppedPids: string | undefined): string {
  return stoppedPids === undefined ? '' : ` ${sentenceOf(stoppedText({ pids: pidsOf(stoppedPids), isWhole: true }))}`;
}

function ofStopped({ stoppedPids }: { readonly stoppedPids?: string }) {
  if (stoppedPids === undefined) return null;
  return {
    whose: 'application',
    usualCauses: ['somebody has stopped the processes of the application (SIGSTOP, or Ctrl-Z in its terminal)'],
    nextStep: stoppedStep(pidsOf(stoppedPids), ' if it is still stopped'),
  } as const;
}

/** The request met a limit of the configuration or of the machine before it had an endpoint. */
export const gatewayLimits = {
  pool_full: {
    type: 'connection_limit_reached',
    status: 503,
    whose: 'gateway',
    retry: 'elsewhere',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'All connections to the application are in use',
    sentence: ({ upstream, limit, addressMax, requestsMax, queueMax = 0, stoppedPids }) => {
      if (addressMax !== undefined && stoppedPids === undefined)
        return `The client's address has its share of the ${limit} connections that an endpoint of upstream ${quoted(upstream)} may have, and of the queue: beyond ${addressMax}, they are left to other addresses.`;
      const waiting = queueMax > 0 ? `, and ${queueMax} requests already wait` : '';
      if (requestsMax !== undefined)
        return `All ${requestsMax} requests that an endpoint of upstream ${quoted(upstream)} may have are in flight${waiting}.${whyStopped(stoppedPids)}`;
      return `All ${limit} connections that an endpoint of upstream ${quoted(upstream)} may have are in use${waiting === '' ? '' : `${waiting} for a connection`}.${whyStopped(stoppedPids)}`;
    },
    inThisCase: ofStopped,
    forClient: 'More people are using this site than it can serve at once. Please try again in a few seconds.',
    usualCauses: [
      'the application has become slow, so that each request holds its connection longer',
      'there is more traffic than usual',
      'long downloads occupy connections meant for short requests',
      'one client address occupies its share (`address_max`): an attack, a load test, or a proxy that is not one of `trusted_peers`',
    ],
    nextStep:
      "Compare the application's response times now and an hour ago; if it is well, raise `connections.max` (or `connections.requests_max`) of the upstream, or add endpoints. If the record has `address_max` and the address is that of your load balancer, list it in `trusted_peers`.",
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
    sentence: ({ upstream, limit, ownConnection, addressMax, requestsMax, waitedMs, stoppedPids }) => {
      if (ownConnection === true)
        return `The client has a connection to upstream ${quoted(upstream)} of its own, on which it is authenticated, and another request of the client was in flight there for the ${duration(waitedMs)} that this request waited.`;
      if (addressMax !== undefined && stoppedPids === undefined)
        return `The client's address had its share of the ${limit} connections that an endpoint of upstream ${quoted(upstream)} may have (beyond ${addressMax}, they are left to other addresses), and none of its connections became free in the ${duration(waitedMs)} that this request waited.`;
      if (requestsMax !== undefined)
        return `As many requests as an endpoint of upstream ${quoted(upstream)} may have, ${requestsMax}, were in flight, and none of them ended in the ${duration(waitedMs)} that this request waited.${whyStopped(stoppedPids)}`;
      return `All ${limit} connections that an endpoint of upstream ${quoted(upstream)} may have were in use, and no connection became free in the ${duration(waitedMs)} that this request waited.${whyStopped(stoppedPids)}`;
    },
    inThisCase: ofStopped,
    forClient:
      'So many people are using this site that your turn has not come in time. Please try again in a few seconds.',
    usualCauses: [
      'the application has become slow, or hangs, so that each request holds its connection longer',
      'for some time there has been more traffic than the application can serve',
      'one client address has taken its share (`address_max`) for a long time, with slow requests or an untrusted proxy in front',
    ],
    nextStep:
      "Compare the application's response times now and an hour ago; if it is well, raise `connections.max` (or `connections.requests_max`) of the upstream, or add endpoints. If the record has `address_max` and the address is that of your load balancer, list it in `trusted_peers`. A longer `connections.queue_timeout` helps only with bursts.",
  },
  tunnels_full: {
    type: 'connection_limit_reached',
    status: 503,
    whose: 'gateway',
    retry: 'elsewhere',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'As many tunnels as may be are open',
    sentence: ({ upstream, limit, addressMax }) =>
      addressMax === undefined
        ? `All ${limit} tunnels (WebSockets and other upgrades) and event streams that an endpoint of upstream ${quoted(upstream)} may have are open.`
        : `The client's address has its share of the ${limit} tunnels (WebSockets and other upgrades) and event streams that an endpoint of upstream ${quoted(upstream)} may have: beyond ${addressMax}, they are left to other addresses.`,
    forClient: 'This site has as many open connections as it can serve. Please try again in a few seconds.',
    usualCauses: [
      'the application has that many users at the same time: it needs more endpoints',
      'clients open a WebSocket again and again, and never close one',
      'one client address has opened them: an attack, a load test, or a proxy that is not one of `trusted_peers`',
    ],
    nextStep:
      'Count the tunnels by client in the records of `kind: tunnel`; add endpoints, or shorten `websocket.idle_timeout`. If the address is that of your load balancer, list it in `trusted_peers`.',
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
} satisfies Partial<FailureTable>;
