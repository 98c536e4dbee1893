import type { Evidence } from '../failure.ts';
import { type RequestRule, requestRules } from '../rules.ts';
import type { FailureTable } from '../failure-spec.ts';
import { duration, bytes } from './formatting.ts';
import { refusedRequests } from './refused-requests.ts';

/** The client left, or sent bytes that are not a valid request. Never counted against an endpoint. */
export const client = {
  too_many_connections_from_address: {
    type: 'http_request_error',
    status: 429,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: true,
    title: 'Too many connections from one address',
    sentence: ({ address, limit }) =>
      `${address} already has ${limit} connections open, as many as \`client.connections_per_address_max\` allows.`,
    forClient:
      'Too many connections come from your network. Close some pages of this site, and try again in a few seconds.',
    usualCauses: [
      'a load test or a crawler opens more connections than one address may have',
      'many people share one public address (an office, a mobile network)',
      'one client keeps connections open to lock others out',
    ],
    nextStep:
      'Find out whose address it is; raise `client.connections_per_address_max` in the configuration if many clients share it.',
    inThisCase: ({ isPrivate }) =>
      isPrivate
        ? {
            whose: 'operator',
            usualCauses: [
              'the address is that of your own load balancer or another proxy, through which all clients come',
              'a load test runs inside your network or on this machine',
            ],
            nextStep:
              'If a proxy of yours has this address, name it in `trusted_peers` of the configuration: the gateway then no longer counts its connections by address, and believes its X-Forwarded-For, which every program at that address can write. If no proxy of yours has it, raise `client.connections_per_address_max`.',
          }
        : null,
  },
  request_refused: {
    type: 'http_request_error',
    status: ({ rule }) => requestRules[rule].status,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: false,
    title: 'The request was refused',
    sentence: ({ rule, at, code }) =>
      `The request was refused because ${requestRules[rule].reason} (${[requestRules[rule].section, at, frameSent(rule, code)].filter((part) => part !== '').join('; ')}).`,
    forClient: 'The request was not understood. If you use a browser, delete the cookies of this site and try again.',
    usualCauses: [
      'a scanner or a fuzzer sends malformed requests on purpose',
      'a hand-written client or an old library breaks the rule',
      'cookies have grown until the request is larger than the limit (431)',
      'a client speaks TLS, HTTP/2 or the PROXY protocol to a port that expects none',
    ],
    nextStep:
      "Look the rule up in the chapter on request rules of docs/failures.md; the record has the client's address.",
    inThisCase: ({ rule }) => (Object.hasOwn(refusedRequests, rule) ? (refusedRequests[rule] ?? null) : null),
  },
  request_head_timeout: {
    type: 'http_request_error',
    status: 408,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: true,
    title: 'The request did not arrive in time',
    sentence: ({ limitMs, bytesReceived, ...rate }) =>
      `The client sent ${bytes(bytesReceived)} of a request head${isSlow(rate) ? `, ${rateText(rate)}` : ` and did not complete it within ${duration(limitMs)}`}.`,
    forClient: 'Your request did not arrive completely. Check your connection and try again.',
    usualCauses: [
      'a poor mobile connection lost the rest of the request',
      'a client holds connections open on purpose with unfinished requests (slowloris)',
      'a person typed a request by hand',
    ],
    nextStep:
      'See in the log whether many addresses or a few do this; the limits are `client.head_timeout` for the whole head and `client.head_rate_min` for a head that comes too slowly.',
  },
  request_body_timeout: {
    type: 'http_request_error',
    status: 408,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: true,
    title: 'The upload stopped',
    sentence: ({ idleMs, bytesReceived, ...rate }) =>
      `The client sent ${bytes(bytesReceived)} of the request body${isSlow(rate) ? `, ${rateText(rate)}` : ` and then nothing for ${duration(idleMs)}`}.`,
    forClient: 'Your upload stopped half-way. Check your connection and send it again.',
    usualCauses: [
      'the connection of the client was lost during an upload',
      'the client announced a longer body than it has (a wrong Content-Length)',
      'a script waits for an answer before it sends the rest',
    ],
    nextStep:
      'Compare Content-Length with what the client meant to send; the limit between bytes is `client.body_timeout` in the configuration.',
    inThisCase: (evidence) =>
      isSlow(evidence)
        ? {
            forClient: 'Your upload came too slowly and was stopped. Check your connection and send it again.',
            usualCauses: [
              'the connection of the client is very slow',
              'a program that sends data as it produces it, such as a log or a meter',
              'a client that holds connections open on purpose by sending the body very slowly (slow POST)',
            ],
            nextStep:
              'See in the log whether many addresses or a few do this; the limits are `client.body_rate_min` and `client.rate_grace` in the configuration.',
          }
        : null,
  },
  request_body_truncated: {
    type: 'http_request_error',
    status: 400,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: true,
    title: 'The upload broke off',
    sentence: ({ bytesReceived, bytesExpected }) =>
      `The client closed its side after ${bytes(bytesReceived)} of the request body${bytesExpected === null ? ', before its end' : `, of ${bytesExpected} announced`}.`,
    forClient: 'Your upload broke off before its end, so nothing of it was used. Please send it again.',
    usualCauses: [
      'the person cancelled the upload or left the page',
      'a program exited while it was sending',
      'a proxy before the gateway gave up on a slow upload',
    ],
    nextStep:
      'If it always happens at the same size, look for an upload limit in the proxies between the client and the gateway.',
  },
  client_gone: {
    type: null,
    status: 0,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'debug',
    temporary: false,
    title: 'The client left',
    sentence: ({ bytesSent, how, code }) =>
      `The client ${howClientLeft(how, code)} ${bytesSent === 0 ? 'before anything was sent to it' : `after ${bytes(bytesSent)} had been sent to it`}.`,
    forClient: 'You left before the answer was ready.',
    usualCauses: [
      'the person closed the page or clicked again',
      'the timeout of the client is shorter than the application takes',
      'a health check or monitor closes the connection as soon as it has seen the status',
    ],
    nextStep:
      "If many clients leave after the same time, compare that time with the timeouts of the clients or the load balancer, and with the application's slowest requests.",
  },
  response_not_read: {
    type: null,
    status: 0,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: true,
    title: 'The client did not read its answer',
    sentence: ({ bytesSent, bytesPerS, bytesPerSMin, overMs, begun = true }) => {
      const what = begun ? 'the response' : 'other responses on its connection';
      const sent = begun ? `${bytes(bytesSent)} of body had been sent` : 'this one had not begun';
      return bytesPerSMin === 0
        ? `The client read nothing of ${what} for ${duration(overMs)}; ${sent}.`
        : `The client read ${perSecond(bytesPerS)} of ${what} over ${duration(overMs)}, where at least ${bytesPerSMin} are required; ${sent}.`;
    },
    forClient: 'Your connection took the answer too slowly. Check it and try again.',
    usualCauses: [
      'the client lost its connection in the middle of a download',
      'a person has paused a download, or a player has enough data for now',
      'a client holds responses open on purpose by reading very slowly (slow read)',
    ],
    nextStep:
      'See in the log whether many addresses or a few do this; the limits are `client.write_timeout` and `client.write_rate_min` in the configuration.',
  },
} satisfies Partial<FailureTable>;

/** The frame with which the gateway ended the request's stream or connection; '': it did not. */
function frameSent(rule: RequestRule, code: string | undefined): string {
  if (code === undefined) return '';
  const frame = rule === 'http2-connection' || rule === 'http2-limit' ? 'GOAWAY' : 'RST_STREAM';
  return `the gateway sent ${frame} with ${code}`;
}

function howClientLeft(how: Evidence['client_gone']['how'], code: string | undefined): string {
  if (how === 'cancelled') return `cancelled the request (RST_STREAM${code === undefined ? '' : `, ${code}`})`;
  return `${how} its connection`;
}

interface MeasuredRate {
  readonly bytesPerS?: number;
  readonly bytesPerSMin?: number;
  readonly overMs?: number;
}

/** Whether data came too slowly, rather than not at all. */
function isSlow({ bytesPerSMin }: MeasuredRate): boolean {
  return bytesPerSMin !== undefined;
}

function rateText({ bytesPerS = 0, bytesPerSMin = 0, overMs = 0 }: MeasuredRate): string {
  return `${perSecond(bytesPerS)} over ${duration(overMs)} where at least ${bytesPerSMin} are required`;
}

function perSecond(count: number): string {
  return `${bytes(count)} per second`;
}
