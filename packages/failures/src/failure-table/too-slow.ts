import { slowFastCgi } from './fastcgi.ts';
import type { CaseTexts, FailureTable } from '../failure-spec.ts';
import { duration, bytes } from './formatting.ts';

/**
 * The endpoint accepted the connection, but its answer did not come, or was not complete, in time. No retry: the client
 * would have to wait for the same limit a second time, and the slow application would do the work twice. Only a limit for each attempt
 * is one that an operator has set in order to retry.
 */
export const tooSlow = {
  response_head_timeout: {
    type: 'http_response_timeout',
    status: 504,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: 'The application did not answer in time',
    sentence: ({ address, limitMs, ping, interims }) =>
      ping === 'unanswered'
        ? `${address} neither ${interims === undefined ? 'began to answer' : `sent more than ${interimText(interims)}`} within ${duration(limitMs)} nor answered a PING on its HTTP/2 connection.`
        : `${address} received the request and ${missingAnswerText(interims)} within ${duration(limitMs)}${pinged(ping)}.`,
    forClient: 'The application took too long to answer. It may be busy, so wait a little before you try again.',
    usualCauses: [
      'a slow database query, or a lock that another request holds',
      'a call to another service without a timeout',
      'all worker processes or threads of the application are busy, and requests queue inside it',
      'the request really takes longer than the limit allows (an export, an upload to be converted)',
    ],
    nextStep:
      "Find the request id in the application's log and see what it was doing; if the work normally takes that long, raise `timeouts.response_head` of the route.",
    inThisCase: ({ ping, fastcgi }) =>
      fastcgi === true ? slowFastCgi : ping === 'unanswered' ? silentConnection : null,
  },
  attempt_timeout: {
    type: 'http_response_timeout',
    status: 504,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: 'The application did not answer an attempt in time',
    sentence: ({ address, limitMs, interims, headBegun }) =>
      `${address} received the request and ${headBegun === true ? 'sent a part of a response head, but not its end,' : missingAnswerText(interims)} within the ${duration(limitMs)} that the route allows each attempt.`,
    forClient: 'The application did not answer in the time that it has for this. Please try again in a minute.',
    usualCauses: [
      'this endpoint is slower than the others: it starts, collects garbage, or has more work than they have',
      'all endpoints are slow, because they wait for the same database or service',
      'the limit is shorter than the ordinary work of the route',
    ],
    nextStep:
      'Compare the endpoints in the timeline of `candor explain REQUEST-ID`: if one is slow, look at its load; if all are, raise `retry.attempt_timeout` of the route above what its work takes.',
  },
  response_head_unfinished: {
    type: 'http_response_timeout',
    status: 504,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: 'The application did not finish the head of its answer in time',
    sentence: ({ address, limitMs, bytesReceived }) =>
      `${address} sent ${bytes(bytesReceived)} of a response head, but not its end within ${duration(limitMs)}.`,
    forClient: 'The application began to answer, but far too slowly. Please try again in a minute.',
    usualCauses: [
      'the application writes one header at a time, and does slow work in between',
      'a tarpit or a test server drips bytes on purpose to keep clients busy',
      'the network to the endpoint is so slow that a large head takes longer than the limit',
    ],
    nextStep:
      'Watch the head arrive with `curl -v --no-buffer http://HOST:PORT/PATH`; if it normally takes that long, raise `timeouts.response_head` of the route.',
  },
  response_head_stalled: {
    type: 'connection_read_timeout',
    status: 504,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: 'The application began to answer and fell silent',
    sentence: ({ address, idleMs, bytesReceived }) =>
      `${address} sent ${bytes(bytesReceived)} of a response head and then nothing for ${duration(idleMs)}.`,
    forClient: 'The application started to answer and then stopped. Please try again in a minute.',
    usualCauses: [
      'the application writes its response head by hand and blocks half-way through',
      'the process was stopped or swapped out at that moment',
      'the network lost packets after the first (MTU, overloaded link)',
    ],
    nextStep:
      'Ask the endpoint directly with `curl -v --max-time 30 http://HOST:PORT/PATH` and see after which header it stops.',
  },
  response_body_stalled: {
    type: 'connection_read_timeout',
    status: 504,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: "The application's answer stopped half-way",
    sentence: ({ address, idleMs, bytesReceived, ping, requestOpen }) =>
      `${address} sent ${bytes(bytesReceived)} of body and then nothing for ${duration(idleMs)}${ping === 'unanswered' ? ', and answered no PING on its HTTP/2 connection' : pinged(ping)}${requestOpen === true ? '; the client had not ended its request' : ''}.`,
    forClient: 'The answer stopped arriving before it was complete. Reload the page to try again.',
    usualCauses: [
      'a stream of events is silent for longer than the limit and sends no comment lines to stay alive',
      'the application waits for a query or a file while it already writes its answer',
      'a slow producer (report, archive, model output) pauses between parts',
    ],
    nextStep:
      'For event streams send a comment line every 15 s or so; otherwise raise `timeouts.idle` of the route above the longest pause you expect.',
    inThisCase: ({ ping, requestOpen }) =>
      ping === 'unanswered' ? silentConnection : requestOpen === true ? restingStream : null,
  },
  request_write_timeout: {
    type: 'connection_write_timeout',
    status: 504,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: 'The application stopped reading the request',
    sentence: ({ address, limitMs, bytesSent, headSent }) =>
      `${address} read nothing more of the request for ${duration(limitMs)}, after ${headSent === true ? `its head and ${bytes(bytesSent)} of its body` : bytes(bytesSent)} had been sent.`,
    forClient:
      'The application stopped accepting what was being sent. If you were uploading something, try again later.',
    usualCauses: [
      'the application does not read an upload until something else is finished',
      'its disk is full or slow, and the upload is written straight to it',
      'the process is blocked or stopped while its connection stays open',
    ],
    nextStep:
      'Run `ss -tnp` at the endpoint during an upload: a Recv-Q that stays above zero means that the application does not read.',
  },
  tunnel_idle: {
    type: 'connection_read_timeout',
    status: 504,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: true,
    title: 'The gateway closed a tunnel that was not used',
    sentence: ({ address, idleMs, bytesReceived, silent }) =>
      `${silentText(silent, address)} for ${duration(idleMs)}, and the gateway closed the tunnel; the application had sent ${bytes(bytesReceived)} through it.`,
    forClient: 'The connection was not used for long and has been closed. Reload the page to open it again.',
    usualCauses: [
      'the page was left open, and its application sends no pings',
      'the client or the application has gone without closing its connection (a laptop that sleeps, a network that changed)',
    ],
    nextStep:
      'Let the application send a WebSocket ping every 30 s or so, or the gateway (`websocket.ping` of the route): it keeps the tunnel open, and shows whether the client is still there.',
    inThisCase: ({ silent }) => {
      if (silent === 'client')
        return {
          whose: 'client',
          usualCauses: [
            'the device of the client sleeps, or has lost its network',
            'the page is frozen in the background of a phone or a browser',
          ],
          nextStep:
            'Change nothing if single clients do this; if all do, look for a proxy before the gateway that keeps pings from its clients.',
        };
      if (silent === 'application')
        return {
          usualCauses: [
            'the event loop or the thread of the application that should answer pings is blocked',
            'the WebSocket library of the application does not answer pings, as RFC 6455 §5.5.3 requires',
            'the machine of the application is gone, and no reset has come from it',
          ],
          nextStep:
            'Look into the log of the application at the moment when the record ends (`candor explain REQUEST-ID`); if it does not answer pings, remove `websocket.ping` from the route.',
        };
      return null;
    },
  },
  exchange_timeout: {
    type: 'http_response_timeout',
    status: 504,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: true,
    title: 'The whole request took longer than is allowed',
    sentence: ({ address, limitMs, setBy, queuedMs, overAtStart }) => {
      const limit = `${duration(limitMs)} that its ${setBy === 'client' ? 'client (grpc-timeout)' : 'route'} allows`;
      if (queuedMs !== undefined)
        return `The request was not answered within the ${limit}: it was queued for ${duration(queuedMs)}, because the gateway begins few requests at a time of a client whose address has flooded it.`;
      if (overAtStart === true)
        return `The ${limit} was over before the gateway could choose an endpoint; the request was sent to none.`;
      const where =
        address === null
          ? 'the gateway had not reached an endpoint yet'
          : `${address} was the last endpoint to work on it`;
      return `The request was not answered within the ${limit}; ${where}.`;
    },
    forClient:
      'The request as a whole took longer than this site allows. A smaller request may succeed, or the same one at a quieter time.',
    usualCauses: [
      'several attempts, each within its own limit, together took longer',
      'the limit for the route is shorter than its ordinary work',
      'the response is large and the connection slow',
      'the deadline of a gRPC client is shorter than the work that it asks for',
    ],
    nextStep:
      'Read the timeline with `candor explain REQUEST-ID` to see which stage took the time; the limit is `timeouts.exchange` of the route, or the deadline of a gRPC client.',
    inThisCase: ({ queuedMs, overAtStart }) =>
      queuedMs === undefined
        ? overAtStart === true
          ? deadlineOverAtStart
          : null
        : {
            whose: 'gateway',
            forClient:
              'This site begins few of your requests at a time, because too much came from your address. Please try again in a minute.',
            usualCauses: [
              'the client, or another one at its address, has reached a limit of HTTP/2, and sends many requests at a time',
              'many clients share the address of a proxy or of an office, and one of them floods',
            ],
            nextStep:
              'Find the event `http2_limit_reached` of this address, which names the limit; if the address is a proxy of yours, add it to `trusted_peers`.',
          },
  },
} satisfies Partial<FailureTable>;

/** The time for the head counts too, so a slow head can use up the limit of the route. */
const deadlineOverAtStart = {
  whose: 'client',
  forClient:
    'The time for this request had passed before it could begin. Try again, with a longer deadline if you set one.',
  usualCauses: [
    'the client passes on what is left of a deadline of its own, and nothing is left',
    'the client computes its deadline from a clock that is wrong, or in another unit',
    'the head of the request arrived more slowly than `timeouts.exchange` of the route allows',
  ],
  nextStep:
    'Look where the client sets its deadline (`grpc-timeout`), and let it end calls itself that have no time left.',
} as const;

/** Completes "the endpoint received the request and …". */
function missingAnswerText(interims: number | undefined): string {
  return interims === undefined ? 'did not begin to answer' : `sent ${interimText(interims)}, but no answer,`;
}

function interimText(interims: number): string {
  return interims === 1 ? 'an interim response (1xx)' : `${interims} interim responses (1xx)`;
}

function silentText(silent: 'client' | 'application' | undefined, address: string): string {
  if (silent === undefined) return `Neither the client nor ${address} sent anything`;
  const side = silent === 'client' ? 'The client' : address;
  return `${side} sent nothing, not even an answer to the pings of the gateway,`;
}

/** Both sides of a gRPC stream may rest for hours, and a client may be gone without a word: neither says that the endpoint is ill. */
const restingStream = {
  countsAgainstHealth: false,
  usualCauses: [
    'neither side had anything to say, as in a gRPC stream that waits for something to happen',
    'the client has gone without closing its connection (a laptop that sleeps, a network that changed), and the application waits for its next message',
    'the application is stuck in the middle of the stream',
  ],
  nextStep:
    'Let one side send a message every 15 s or so, or raise `timeouts.idle` of the route above the longest pause you expect.',
} as const satisfies CaseTexts;

/** A PING is answered by the HTTP/2 library, however slow the application is. */
const silentConnection = {
  usualCauses: [
    'the process hangs: a busy loop in its event loop, a debugger, SIGSTOP, or a machine that swaps',
    'a NAT, a firewall or a load balancer has lost the connection, without a word to either side',
  ],
  nextStep:
    'See with `top` what the process is doing and with `ss -tnp` whether it still has the connection; further requests go over another one.',
};

function pinged(ping: 'answered' | 'unanswered' | undefined): string {
  return ping === 'answered' ? '; it answered a PING meanwhile, so that the connection works' : '';
}
