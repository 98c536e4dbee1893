import type { FailureTable } from '../failure-spec.ts';
import { duration, bytes } from './formatting.ts';
import { cutFastCgi, lostFastCgi, refusedByFastCgi } from './fastcgi.ts';
import { type GoAwayEvidence, goAwayText, goAwayTexts } from './go-away.ts';

const exitedAtWork = 'the process exited or was killed while it worked on the request';
export const shortKeepAlive =
  'the application closes idle connections earlier than the gateway does (keep-alive of Node: 5 s, gunicorn: 2 s)';
const gaveUp = 'the application gave up on the request and closed the socket instead of answering 500';
const expectsTls =
  'the port closes the connection at a plain request: it expects TLS, and the upstream has no `tls` in the configuration; or it speaks another protocol, such as FastCGI (php-fpm)';
const crashedUnread =
  'the process crashed, or ran out of memory and was killed, before it read the request from its socket';
const stoppedHard =
  'a deploy killed a worker of the application, or the worker restarted after its maximum number of requests';
const forgottenOnTheWay =
  'a NAT or a load balancer between the gateway and the application has dropped its state of an idle connection';
const resetForWantOfTls =
  'the port resets the connection at a plain request: it expects TLS, and the upstream has no `tls` in the configuration; or it speaks another protocol, such as FastCGI (php-fpm)';

/** The endpoint closed or reset the connection before its answer was complete. */
export const reset = {
  closed_before_response: {
    type: 'connection_terminated',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: 'The application closed the connection without answering',
    sentence: ({ address, reused, idleMs, goAway, text }) =>
      goAway === undefined
        ? `${address} closed the connection without a single byte of a final answer${history(reused, idleMs)}.`
        : `${address} ended the connection by an error (${goAwayText(goAway, text)}) and closed it without a single byte of a final answer.`,
    forClient: 'The application hung up without answering. Please try again in a moment.',
    usualCauses: [exitedAtWork, shortKeepAlive, gaveUp, expectsTls],
    nextStep:
      "See in the application's log whether it restarted at that second; if not, and if the connection had been idle, raise its keep-alive time above the upstream's `connections.idle_timeout`.",
    inThisCase: ({ address, reused, goAway, fastcgi }) =>
      (fastcgi === true ? lostFastCgi : goAwayTexts(goAway)) ??
      (reused
        ? { usualCauses: [shortKeepAlive, exitedAtWork, gaveUp] }
        : {
            usualCauses: [exitedAtWork, gaveUp, expectsTls],
            nextStep: `See in the application's log whether it restarted at that second, or what it did with this request; if the log has neither, ${tryTls(address)}.`,
          }),
  },
  reset_before_response: {
    type: 'connection_terminated',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: 'The application reset the connection without answering',
    sentence: ({ address, reused, idleMs, errno, stream, goAway, text }) =>
      goAway !== undefined
        ? `${address} ended the connection by an error (${goAwayText(goAway, text)}) and reset it (${errno}) before it answered.`
        : stream === undefined
          ? `${address} reset the connection (${errno}) before it answered${history(reused, idleMs)}.`
          : `${address} ended the request by RST_STREAM (${stream}) before it answered; the connection stayed open.`,
    forClient: 'The application broke off the connection before it answered. Please try again in a moment.',
    usualCauses: [crashedUnread, stoppedHard, forgottenOnTheWay, resetForWantOfTls],
    nextStep: 'Look for a kill with `journalctl -k -g "killed process"` and for an exit in `candor status`.',
    inThisCase: ({ address, reused, stream, goAway, fastcgi }) =>
      fastcgi === true
        ? lostFastCgi
        : goAway !== undefined
          ? goAwayTexts(goAway)
          : stream !== undefined
            ? streamReset
            : reused
              ? {
                  usualCauses: [crashedUnread, stoppedHard, forgottenOnTheWay],
                  nextStep:
                    'Look for a kill with `journalctl -k -g "killed process"` and for an exit in `candor status`; if there is none, lower the upstream\'s `connections.idle_timeout` below the time after which this connection was reset.',
                }
              : {
                  usualCauses: [crashedUnread, stoppedHard, resetForWantOfTls],
                  nextStep: `Look for a kill with \`journalctl -k -g "killed process"\` and for an exit in \`candor status\`; if there is none, ${tryTls(address)}.`,
                },
  },
  stream_refused: {
    type: 'connection_terminated',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'The application did not take the request',
    sentence: ({ address, code, frame, lastStreamId, text }) =>
      frame === 'SETTINGS'
        ? `${address} allows no requests on its connections (${code} is 0), so the gateway did not send this one.`
        : frame === 'GOAWAY'
          ? `${address} takes no more requests on this connection (${goAwayText(code, text)}) and has not processed this one: the last one that it did is stream ${lastStreamId ?? 0}.`
          : `${address} has not processed the request and said so (${frame} ${code}).`,
    forClient: 'The application did not take the request. Nothing was done; please try again in a moment.',
    usualCauses: [
      'the application is being stopped or replaced, and says so in order',
      'it has as many requests at a time as it allows (REFUSED_STREAM)',
      'it ends connections after some time or number of requests (`keepalive_requests`, `MaxConnectionAge`)',
      'its protection against floods takes the gateway for an attacker (ENHANCE_YOUR_CALM)',
    ],
    nextStep:
      'Nothing, where another attempt was answered; else raise the number of concurrent streams of the application, or lower `connections.max` of its upstream.',
    inThisCase: ({ frame, code }) =>
      frame === 'GOAWAY' ? goAwayTexts(code) : frame === 'END_REQUEST' ? (refusedByFastCgi[code] ?? null) : null,
  },
  send_failed: {
    type: 'connection_terminated',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: 'The application hung up while the request was being sent',
    sentence: ({ address, bytesSent, errno, headSent, goAway, text }) =>
      `${goAway === undefined ? `The connection to ${address} broke (${errno})` : `${address} ended the connection by an error (${goAwayText(goAway, text)}), and it broke (${errno})`} after ${headSent === true ? `the head and ${bytes(bytesSent)} of the body` : bytes(bytesSent)} of the request had been written.`,
    forClient:
      'The application hung up while your request was being sent. If you were uploading a file, it may be too large.',
    usualCauses: [
      'the application refuses large uploads by closing the connection instead of answering 413',
      'it exited in the middle of an upload',
      'it answered early and closed before the answer could be read',
    ],
    nextStep:
      "Send the same body directly with `curl -v --data-binary @FILE http://HOST:PORT/PATH` and compare its size with the application's own upload limit.",
    inThisCase: ({ goAway }) => goAwayTexts(goAway),
  },
  response_head_truncated: {
    type: 'http_response_incomplete',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: "The application's answer broke off in its first lines",
    sentence: ({ address, bytesReceived, how }) =>
      `${address} ${how === 'reset' ? 'reset' : 'closed'} the connection after ${bytes(bytesReceived)} of an unfinished response head.`,
    forClient: 'The application began to answer and was cut off at once. Please try again in a moment.',
    usualCauses: [
      'the application crashed while it wrote its headers',
      'a proxy between gateway and application was restarted',
      'the application sent an interim response (100, 103) and then exited',
    ],
    nextStep:
      'Show the bytes that arrive with `curl -sv --raw http://HOST:PORT/PATH -o /dev/null` and look for the line where they end.',
  },
  response_body_short: {
    type: 'http_response_incomplete',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: "The application's answer was shorter than announced",
    sentence: ({ address, bytesReceived, bytesExpected, ...end }) =>
      end.how === 'broken'
        ? `${tlsBreak(address, end)} after ${bytesReceived} of the ${bytes(bytesExpected)} of body that were announced.`
        : `${address} announced a body of ${bytes(bytesExpected)} and ${endOf(end)} after ${bytesReceived}.`,
    forClient:
      'Part of the answer is missing. Reload the page; if you were downloading a file, discard it and start again.',
    usualCauses: [
      'Content-Length was computed from characters instead of bytes, or before compression',
      'the application exited or was killed while it sent a file',
      'a limit of the application on time or size cut the response off',
    ],
    nextStep:
      "Compare `curl -sI http://HOST:PORT/PATH` and `curl -s http://HOST:PORT/PATH | wc -c`; when they always differ, the application's Content-Length is wrong.",
    inThisCase: ({ goAway }) => goAwayTexts(goAway),
  },
  response_stream_cut: {
    type: 'http_response_incomplete',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: "The application's HTTP/2 answer broke off",
    sentence: ({ address, bytesReceived, ...end }) =>
      `${end.how === 'broken' ? tlsBreak(address, end) : `${address} ${endOf(end)}`} after ${bytes(bytesReceived)} of body, without ${end.fastcgi === true ? 'END_REQUEST' : 'END_STREAM'}.`,
    forClient:
      'The answer stopped in the middle, so do not rely on the part that arrived. Reload the page to try again.',
    usualCauses: [
      'an exception ended the answer while it was being streamed (RST_STREAM with INTERNAL_ERROR)',
      'a deadline of the application ran out (RST_STREAM with CANCEL, or DEADLINE_EXCEEDED of gRPC)',
      'a deploy stopped the application, which did not wait for its open streams',
    ],
    nextStep:
      "Look for an exception or a deadline in the application's log at the moment when the record ends (`candor explain REQUEST-ID`).",
    inThisCase: ({ goAway, fastcgi }) => (fastcgi === true ? cutFastCgi : goAwayTexts(goAway)),
  },
  response_chunked_truncated: {
    type: 'http_response_incomplete',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: "The application's answer ended without its last chunk",
    sentence: ({ address, bytesReceived, ...end }) =>
      `${end.how === 'broken' ? tlsBreak(address, end) : `${address} ${end.how} the connection`} after ${bytes(bytesReceived)} of a chunked body, without the last chunk.`,
    forClient:
      'The answer broke off before its end, so the part that arrived may be wrong. Reload the page to try again.',
    usualCauses: [
      'an exception was thrown while the application streamed its answer',
      'the worker was killed for taking too long (gunicorn `--timeout`, PHP `request_terminate_timeout`)',
      'the application was stopped by a deploy in the middle of a download',
    ],
    nextStep:
      "Look for an exception or a worker timeout in the application's log at the moment when the record ends (`candor explain REQUEST-ID`).",
  },
  response_body_reset: {
    type: 'http_response_incomplete',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: 'The application reset the connection in the middle of its answer',
    sentence: ({ address, bytesReceived, errno }) =>
      `${address} reset the connection (${errno}) ${bytesReceived === 0 ? 'before any of the body had arrived' : `after ${bytes(bytesReceived)} of body`}; the body has no length, so only a proper close would have shown its end.`,
    forClient: 'The connection to the application broke while it was answering. Reload the page to try again.',
    usualCauses: [
      'the process died while it streamed a response without a length',
      'the application closed its socket without reading the whole request body, and the kernel sent a reset',
      'a load balancer in between ended a long connection',
    ],
    nextStep:
      'Let the application send Content-Length or use chunked coding, so that a truncated answer can be detected; `dmesg -T` shows whether the process was killed.',
  },
  response_body_unclosed: {
    type: 'http_response_incomplete',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: true,
    title: "The application's answer ended without a proper end of TLS",
    sentence: ({ address, bytesReceived, ...end }) =>
      end.how === 'broken'
        ? `${tlsBreak(address, end)} after ${bytes(bytesReceived)} of body; the body has no length, so only a proper close would have shown its end.`
        : `${address} closed the connection after ${bytes(bytesReceived)} of body without ending TLS first (close_notify); the body has no length, so it may be truncated.`,
    forClient:
      'The connection to the application ended, and the answer may be incomplete. Reload the page to try again.',
    usualCauses: [
      'the process died in the middle of its answer',
      "the application's TLS library closes connections without close_notify",
      'a device between the gateway and the application closed the connection, by accident or on purpose',
    ],
    nextStep:
      'Let the application send Content-Length or use chunked coding: then the end of the connection no longer matters (RFC 9112 §9.8).',
  },
  tunnel_unclosed: {
    type: 'http_response_incomplete',
    status: 502,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: true,
    title: 'The application ended a WebSocket without closing it',
    sentence: ({ address, bytesReceived }) =>
      `${address} closed the connection of a WebSocket after ${bytes(bytesReceived)}, without a close frame.`,
    forClient: 'The connection to the application ended unexpectedly. Reload the page to connect again.',
    usualCauses: [
      'the process behind the WebSocket was killed or crashed, on a machine whose processes the gateway does not see',
      'the application destroys the socket instead of closing the WebSocket (`terminate()` in place of `close()`)',
      'the application was stopped by a deploy and does not close its WebSockets first (code 1001)',
      'the client or the application sent bytes that are not WebSocket frames, such as an error page; the receiver may end the connection then (RFC 6455 §7.1.7)',
    ],
    nextStep:
      "Look into the application's log at the moment when the record ends (`candor explain REQUEST-ID`); let the application send a close frame before it exits (RFC 6455 §7.1).",
  },
  tunnel_exit: {
    type: 'http_response_incomplete',
    status: 502,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'The application exited while a tunnel was open',
    sentence: ({ address, bytesReceived, how }) =>
      `The process behind ${address} ended, and the tunnel was ${how === 'reset' ? 'reset' : 'closed'} with it after ${bytes(bytesReceived)}.`,
    forClient: 'The application behind this page has just ended. Reload the page to connect again.',
    usualCauses: [
      'the process crashed, ran out of memory, or was killed by hand',
      'a deploy or a restart stopped the instance, and it did not close its tunnels first',
    ],
    nextStep:
      'See in `candor events` how the instance ended and its last line of output; let the application close its tunnels on SIGTERM.',
  },
} satisfies Partial<FailureTable>;

/** The connection stayed open: neither its age nor a process that exited is the reason. */
const streamReset = {
  usualCauses: [
    'an exception was thrown before the application had answered (INTERNAL_ERROR)',
    'a deadline or a limit of the application ended the request (CANCEL, ENHANCE_YOUR_CALM)',
    'the application answers HTTP/1.1 alone for this request (HTTP_1_1_REQUIRED)',
  ],
  nextStep: "Look into the application's log at the moment when the record ends (`candor explain REQUEST-ID`).",
};

/** "closed the connection", "ended the stream by RST_STREAM (CANCEL)". */
function endOf({
  how,
  stream,
  goAway,
  text,
}: GoAwayEvidence & { readonly how: string; readonly stream?: string }): string {
  if (goAway !== undefined) return `ended the connection by an error (${goAwayText(goAway, text)})`;
  if (stream === undefined) return `${how} the connection`;
  if (stream === 'GOAWAY') return 'ended the stream by a GOAWAY whose last stream is an earlier one';
  return stream === 'END_STREAM' ? 'ended the stream' : `ended the stream by RST_STREAM (${stream})`;
}

/** For a fresh connection only: a reused one has served a request, so its port does not expect TLS. */
function tryTls(address: string): string {
  if (/^unix:/.test(address)) return 'see with `ss -lxp` whether the socket belongs to the right program';
  return `see with \`candor probe http://${address}/\` whether the port speaks another protocol, and, where the upstream has no \`tls\`, with \`openssl s_client -connect ${address}\` whether it expects it`;
}

interface TlsBreak {
  readonly code?: string;
  readonly alertId?: number;
  readonly alertMessage?: string;
}

/** The connection was neither closed nor reset: the endpoint sent an alert, or the gateway could not decrypt a record. */
function tlsBreak(address: string, { code, alertId, alertMessage }: TlsBreak): string {
  return alertId === undefined
    ? `TLS failed in the answer of ${address}: one of its records could not be decrypted (${code ?? 'no code'})`
    : `${address} ended TLS with alert ${alertId} (${alertMessage ?? 'unassigned'})`;
}

/** A reused connection is the usual suspect: the endpoint may have closed it just when the gateway used it. */
function history(reused: boolean, idleMs: number): string {
  return reused
    ? `; the connection was a reused one that had been idle for ${duration(idleMs)}`
    : '; it was a fresh connection';
}
