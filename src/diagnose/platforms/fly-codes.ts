import type { ProxyErrorType } from '../../core/proxy-error.ts';
import {
  clientLeftVerdict,
  failedWith,
  type FailureWords,
  unknownVerdict,
  unreachableVerdict,
} from '../typed-verdict.ts';
import { fixOf, type Verdict } from '../verdict.ts';

const failed = (type: ProxyErrorType, words: FailureWords): Verdict => failedWith('platform-edge', type, words);

const logs = 'fly logs --instance MACHINE';
const checks = 'fly checks list';

const platformFix = fixOf('Nothing of yours is wrong; look at https://status.flyio.net');

const refused = failed('connection_refused', {
  sentence: 'Nothing listens on the port of the machine that the proxy connects to.',
  fix: fixOf(
    'Listen on 0.0.0.0 (not 127.0.0.1), on the port that `internal_port` in fly.toml says',
    '[http_service]',
    '  internal_port = 8080',
  ),
});

const broken = failed('connection_terminated', {
  sentence: 'The machine broke off the connection.',
  fix: fixOf('Look for a crash, a restart or memory that ran out in the log of the machine', logs),
});

const connectTimeout = failed('connection_timeout', {
  sentence: 'The connection to the machine timed out.',
  fix: fixOf('See whether the machine is too busy: its CPU and memory, and `[http_service.concurrency]`', checks),
});

const tooSlow = failed('connection_read_timeout', {
  sentence: 'The machine took the request and did not answer in time.',
  fix: fixOf('Find what the application waits for', logs),
});

/** Failures that follow from health checks, or from machines that did not answer. */
const noMachine: Verdict = {
  ...failed('destination_unavailable', {
    sentence: 'The proxy found no machine that could take the request.',
    fix: fixOf(
      'See whether health checks pass, and whether all machines are at their `hard_limit`; add machines where they are',
      checks,
      'fly scale count 2',
    ),
  }),
  isConsequence: true,
};

const limitReached = failed('connection_limit_reached', {
  sentence: 'All machines had as many connections or requests as they may have.',
  fix: fixOf(
    'Raise the limit where machines can take more, or add machines',
    '[http_service.concurrency]',
    '  hard_limit = 250',
  ),
});

const notWoken = failed('destination_unavailable', {
  sentence: 'The machine that was to take the request could not be started, or is in no state to.',
  whose: 'gateway',
  fix: fixOf('See what state it is in, and start it by hand', 'fly machine list', 'fly machine start MACHINE'),
});

const notConnected = unreachableVerdict('platform-edge', {
  sentence: 'No connection to the machine came about, although it was tried several times.',
  whose: 'application',
  fix: fixOf('See whether the application listens soon after its start, on 0.0.0.0 and on `internal_port`', logs),
});

const internal = failed('proxy_internal_error', { sentence: 'The proxy itself failed.', fix: platformFix });

const clientTls = failed('http_request_error', {
  sentence: "The client's TLS handshake with the proxy failed.",
  fix: fixOf('Where many meet it, see whether the certificate of the domain is there', 'fly certs list'),
});

const byCode: Readonly<Record<string, Verdict>> = {
  PC01: refused,
  PC02: refused,
  PC03: broken,
  PC04: broken,
  PC05: connectTimeout,
  PC07: notConnected,
  PC08: internal,
  PU01: failed('http_protocol_error', {
    sentence: 'The machine did not begin HTTP/2 as it should.',
    fix: fixOf(
      'Serve HTTP/2 without TLS (h2c) on that port, or take `h2_backend` out of fly.toml',
      '[http_service.http_options]',
      '  h2_backend = false',
    ),
  }),
  PU03: failed('destination_ip_unroutable', {
    sentence: 'The host of the machine could not be reached.',
    whose: 'gateway',
    fix: platformFix,
  }),
  PU04: internal,
  PM05: notConnected,
  PR01: noMachine,
  PR02: noMachine,
  PR03: noMachine,
  PR04: noMachine,
  PP01: internal,
  PE01: internal,
  PE02: internal,
  PA01: failed('proxy_internal_error', {
    sentence: 'The request could not be sent to another machine, since too much of its content had been read already.',
    whose: 'application',
    fix: fixOf('Answer with `fly-replay` before the content is read, and not for large uploads'),
  }),
  PA02: failed('proxy_loop_detected', {
    sentence: 'Machines sent the request on to each other by `fly-replay` too often.',
    whose: 'application',
    fix: fixOf('Have the machine that a request was sent on to answer it itself'),
  }),
  PA03: failed('http_protocol_error', {
    sentence: 'The field `fly-replay` of the answer cannot be read.',
    fix: fixOf('Write it as the documentation has it', 'fly-replay: region=ams'),
  }),
  PA04: failed('proxy_configuration_error', {
    sentence: 'The field `fly-replay` names an application that is not there.',
    fix: fixOf('Correct the name', 'fly-replay: app=NAME'),
  }),
  PA05: failed('proxy_configuration_error', {
    sentence: 'The field `fly-replay` names an application that this one may not send requests to.',
    fix: fixOf('Only applications of the same organization may be named'),
  }),
  PT01: failed('http_request_denied', {
    sentence: 'Too many TLS handshakes came from one range of addresses.',
    whose: 'client',
    fix: null,
  }),
};

/** The codes that Fly documents. For some of them, the sentence after the code says more. */
export function flyVerdict(code: string, quoted: string): Verdict {
  if (Object.hasOwn(byCode, code)) return byCode[code] as Verdict;
  // Numbers of this family have changed between versions; the sentence shows whether a connection failed.
  if (code.startsWith('PM')) return /failed to connect/i.test(quoted) ? notConnected : notWoken;
  if (code.startsWith('PL')) return limitReached;
  if (code === 'PU02') return /timed out|timeout/i.test(quoted) ? tooSlow : broken;
  if (code.startsWith('PT') && code !== 'PT02') return clientTls;
  return unknown(code);
}

/** Before 2024 the proxy wrote the sentence alone. */
export function flyVerdictOfText(quoted: string): Verdict {
  const text = quoted.slice(0, 500).toLowerCase();
  if (text.includes('refused connection') || text.includes('connection refused')) return refused;
  if (text.includes('could not find a good candidate') || text.includes('no known healthy instances')) return noMachine;
  if (text.includes('failed to connect to machine')) return notConnected;
  if (text.includes('could not wake up machine') || text.includes('non-startable state')) return notWoken;
  if (text.includes('connection closed before message completed')) return broken;
  if (text.includes('connection reset by peer')) return broken;
  if (text.includes('tls handshake')) return clientTls;
  if (text.includes('could not make http request to instance') && text.includes('timed out')) return tooSlow;
  if (text.includes('client disconnected') || text.includes('body write aborted'))
    return clientLeftVerdict('The client closed the connection.', 'body');
  return unknown('that sentence');
}

function unknown(what: string): Verdict {
  return unknownVerdict(
    'platform-edge',
    `The proxy failed; ${what} does not tell how.`,
    fixOf('Look at what the machine wrote at that time, and at https://fly.io/docs/reference/error-codes', logs),
  );
}
