import { requestRules } from '../rules.ts';
import type { FailureTable } from './table.ts';
import { duration, octets } from './words.ts';

/** The client left, or sent what cannot be a request. Never the upstream's fault, never counted against it. */
export const client = {
  request_refused: {
    type: 'http_request_error',
    status: ({ rule }) => requestRules[rule].status,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: false,
    title: 'The request was refused',
    sentence: ({ rule, at }) =>
      `The request was refused because ${requestRules[rule].says} (${requestRules[rule].section}${at === '' ? '' : `; ${at}`}).`,
    visitor: 'The request was not understood. If you use a browser, delete the cookies of this site and try again.',
    usualCauses: [
      'a scanner or a fuzzer tries what it can send',
      'a hand-written client or an old library breaks the rule',
      'cookies have grown until the request is larger than the limit (431)',
      'a client speaks TLS, HTTP/2 or the PROXY protocol to a port that expects none',
    ],
    nextStep:
      "Look the rule up in the chapter on request rules of docs/failures.md; the client's address stands in the record.",
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
    sentence: ({ limitMs, octetsReceived }) =>
      `The client sent ${octets(octetsReceived)} of a request head and did not complete it within ${duration(limitMs)}.`,
    visitor: 'Your request did not arrive completely. Check your connection and try again.',
    usualCauses: [
      'a poor mobile connection lost the rest of the request',
      'a client holds connections open on purpose with unfinished requests (slowloris)',
      'a person typed a request by hand',
    ],
    nextStep:
      'See in the log whether many addresses or a few do this; the limit is `client.head_timeout` in candor.yaml.',
  },
  request_content_timeout: {
    type: 'http_request_error',
    status: 408,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: true,
    title: 'The upload stopped',
    sentence: ({ idleMs, octetsReceived }) =>
      `The client sent ${octets(octetsReceived)} of request content and then nothing for ${duration(idleMs)}.`,
    visitor: 'Your upload stopped half-way. Check your connection and send it again.',
    usualCauses: [
      'the connection of the client was lost during an upload',
      'the client announced more content than it has (a wrong Content-Length)',
      'a script waits for an answer before it sends the rest',
    ],
    nextStep:
      'Compare Content-Length with what the client meant to send; the limit between octets is `client.content_timeout` in candor.yaml.',
  },
  request_content_cut: {
    type: 'http_request_error',
    status: 400,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: true,
    title: 'The upload broke off',
    sentence: ({ octetsReceived, octetsExpected }) =>
      `The client closed its side after ${octets(octetsReceived)} of request content${octetsExpected === null ? ', before the last chunk' : ` of ${octetsExpected} announced`}.`,
    visitor: 'Your upload broke off before its end, so nothing of it was used. Please send it again.',
    usualCauses: [
      'the person cancelled the upload or left the page',
      'a program exited while it was sending',
      'a proxy before the gateway gave up on a slow upload',
    ],
    nextStep:
      'If it happens at one size, look for an upload limit in whatever stands between the client and the gateway.',
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
    sentence: ({ octetsSent, how }) =>
      `The client ${how === 'reset' ? 'reset' : 'closed'} its connection ${octetsSent === 0 ? 'before anything was sent to it' : `after ${octets(octetsSent)} had been sent to it`}.`,
    visitor: 'You left before the answer was ready.',
    usualCauses: [
      'the person closed the page or clicked again',
      'the client has a shorter limit than the application takes',
      'a health check or monitor hangs up as soon as it has seen a status',
    ],
    nextStep:
      "When many leave after the same time, compare it with the client's or load balancer's timeout and with the application's slowest requests.",
  },
} satisfies Partial<FailureTable>;
