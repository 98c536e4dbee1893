import { isSpokenProtocol } from '../guess-words.ts';
import type { CaseTexts } from '../failure-spec.ts';
import type { Failure } from '../failure.ts';
import { type AfterOutput, outputStep, stepFromOutput } from '../output-step.ts';
import { shortKeepAlive } from './reset.ts';

/**
 * Texts for a failure of an application that Candor runs, which replace those for a foreign one. Candor has started its process, would report its
 * exit, checks its port and reads its output: no text asks the reader for any of this. Null where the general texts are right.
 */
export function supervisedTexts({ cause, evidence }: Failure, application: string): CaseTexts | null {
  const read = reading(application);
  // The endpoint has said itself why.
  if ('goAway' in evidence && evidence.goAway !== undefined) return null;
  switch (cause) {
    case 'connect_refused':
      return {
        usualCauses: [
          'its process is being started, stopped or replaced',
          'it closed its listening socket, while its process goes on',
        ],
        nextStep: stepOfProcess(application),
      };
    case 'connect_reset':
      return {
        whose: 'application',
        usualCauses: [
          'its process ended, or was killed, while the connection waited in its listen queue',
          'its listen queue overflows and the kernel resets (net.ipv4.tcp_abort_on_overflow=1)',
        ],
        nextStep: stepOfProcess(application),
      };
    case 'connect_timeout':
      return {
        usualCauses: [
          'it no longer accepts connections and its listen queue is full: its event loop, or all its workers, are blocked',
        ],
        nextStep: `See with \`ss -ltn\` whether Recv-Q of its port has reached Send-Q, and ${outputStep([application], { of: 'last', words: 'what it printed last' })}.`,
      };
    case 'closed_before_response':
    case 'reset_before_response':
      if ('stream' in evidence && evidence.stream !== undefined) return read;
      return evidence.reused
        ? {
            usualCauses: [...brokenOff, shortKeepAlive],
            ...reading(application, {
              ifNothing: "raise its keep-alive time above the upstream's `connections.idle_timeout`",
            }),
          }
        : { usualCauses: brokenOff, ...read };
    case 'response_head_truncated':
      return {
        usualCauses: [
          'an exception was thrown while the application wrote its headers',
          'the application sent an interim response (100, 103) and then gave up',
          workerEnded,
        ],
        ...read,
      };
    case 'response_stream_cut':
    case 'response_chunked_truncated':
      return read;
    case 'response_body_reset':
      return {
        usualCauses: [
          workerEnded,
          'the application closed its socket without reading the whole request body, and the kernel sent a reset',
        ],
        ...reading(application, {
          then: 'let it send Content-Length or use chunked coding, so that a truncated answer can be detected',
        }),
      };
    case 'tunnel_unclosed':
      return {
        usualCauses: [
          'the application destroys the socket instead of closing the WebSocket (`terminate()` in place of `close()`)',
          workerEnded,
          'the client or the application sent bytes that are not WebSocket frames, such as an error page; the receiver may end the connection then (RFC 6455 §7.1.7)',
        ],
        ...reading(application, { then: 'let it send a close frame before it ends a WebSocket (RFC 6455 §7.1)' }),
      };
    case 'response_head_timeout':
      return evidence.ping === 'unanswered'
        ? null
        : reading(application, {
            then: 'if the work normally takes that long, raise `timeouts.response_head` of the route',
          });
    case 'tunnel_idle':
      return evidence.silent === 'application'
        ? reading(application, { then: 'if it does not answer pings, remove `websocket.ping` from the route' })
        : null;
    case 'response_not_http':
      return evidence.answeredBefore !== undefined || isSpokenProtocol(evidence.guess)
        ? null
        : {
            whose: 'application',
            usualCauses: [
              'the application wrote a warning, a line of its log or a stack trace to its socket before the response',
              'it answers this request in another protocol than HTTP/1.1',
            ],
            nextStep:
              'Look at the first bytes with `candor explain REQUEST-ID`, and search the application for what writes them to its socket.',
          };
    default:
      return null;
  }
}

/** The next step is to read what the application printed while it had the request; `readsOutput` follows. */
function reading(
  application: string,
  readsOutput: AfterOutput = {},
): Required<Pick<CaseTexts, 'nextStep' | 'readsOutput'>> {
  return { nextStep: stepFromOutput(application, { of: 'request', id: 'REQUEST-ID' }, readsOutput), readsOutput };
}

/** Whether its process runs, and why not: a sentence. */
const stepOfProcess = (application: string): string =>
  `See with \`candor status\` whether ${application} runs and when it was last ready, and ${outputStep([application], { of: 'last', words: 'what it printed' })}.`;

const workerEnded = 'a worker process that the application had started exited, or was killed, while it had the request';
const brokenOff = [
  'an exception, or a limit of the application, ended the connection in place of an answer',
  workerEnded,
] as const;
