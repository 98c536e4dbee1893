import { dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { isoTimeMs, jsonLine, jsonObject, jsonText, statusOf, parseLogfmt } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import {
  findingOf,
  type Verdict,
  harmlessVerdict,
  fixOf,
  clientLeftVerdict,
  failedWith,
  type FailureWords,
  unknownVerdict,
  unreachableVerdict,
} from '../verdict.ts';
import type { ProxyErrorType } from '../../../failures/src/proxy-error.ts';

const failed = (type: ProxyErrorType, words: FailureWords): Verdict => failedWith('platform-edge', type, words);

const logs = 'fly logs --instance MACHINE';
const checks = 'fly checks list';

const platformFix = fixOf('This is a failure of the platform; see https://status.flyio.net');

const refused = failed('connection_refused', {
  sentence: 'Nothing listens on the port of the machine that the proxy connects to.',
  fix: fixOf(
    'Listen on 0.0.0.0 (not 127.0.0.1), on the port `internal_port` of fly.toml',
    '[http_service]',
    '  internal_port = 8080',
  ),
});

const broken = failed('connection_terminated', {
  sentence: 'The machine closed the connection.',
  fix: fixOf('Check the log of the machine for a crash, a restart or a lack of memory', logs),
});

const connectTimeout = failed('connection_timeout', {
  sentence: 'The connection to the machine timed out.',
  fix: fixOf('Check whether the machine is too busy: its CPU and memory, and `[http_service.concurrency]`', checks),
});

const tooSlow = failed('connection_read_timeout', {
  sentence: 'The machine got the request, but did not answer in time.',
  fix: fixOf('Find out what the application waits for', logs),
});

/** Failures that follow from health checks, or from machines that did not answer. */
const noMachine: Verdict = {
  ...failed('destination_unavailable', {
    sentence: 'The proxy found no machine for the request.',
    fix: fixOf(
      'Check whether health checks pass, and whether all machines are at their `hard_limit`; if so, add machines',
      checks,
      'fly scale count 2',
    ),
  }),
  isConsequence: true,
};

const limitReached = failed('connection_limit_reached', {
  sentence: 'All machines had reached their limit of connections or requests.',
  fix: fixOf(
    'Raise the limit if the machines can handle more, or add machines',
    '[http_service.concurrency]',
    '  hard_limit = 250',
  ),
});

const notWoken = failed('destination_unavailable', {
  sentence: 'The machine chosen for the request could not be started, or its state does not allow it.',
  whose: 'gateway',
  fix: fixOf('Check its state, and start it by hand', 'fly machine list', 'fly machine start MACHINE'),
});

const notConnected = unreachableVerdict('platform-edge', {
  sentence: 'The proxy could not connect to the machine in several attempts.',
  whose: 'application',
  fix: fixOf('Check whether the application listens soon after its start, on 0.0.0.0 and on `internal_port`', logs),
});

const internal = failed('proxy_internal_error', { sentence: 'The proxy itself failed.', fix: platformFix });

const clientTls = failed('http_request_error', {
  sentence: "The client's TLS handshake with the proxy failed.",
  fix: fixOf('If it happens to many clients, check whether the domain has a certificate', 'fly certs list'),
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
    sentence: 'The machine did not begin HTTP/2 correctly.',
    fix: fixOf(
      'Serve HTTP/2 without TLS (h2c) on that port, or remove `h2_backend` from fly.toml',
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
    sentence: 'The request could not be sent to another machine, since too much of its body had been read already.',
    whose: 'application',
    fix: fixOf('Answer with `fly-replay` before reading the body, and not for large uploads'),
  }),
  PA02: failed('proxy_loop_detected', {
    sentence: 'Machines sent the request on to each other by `fly-replay` too often.',
    whose: 'application',
    fix: fixOf('Have the machine that gets a replayed request answer it itself'),
  }),
  PA03: failed('http_protocol_error', {
    sentence: 'The response header `fly-replay` is malformed.',
    fix: fixOf('Write it as Fly documents it', 'fly-replay: region=ams'),
  }),
  PA04: failed('proxy_configuration_error', {
    sentence: 'The response header `fly-replay` names an application that does not exist.',
    fix: fixOf('Correct the name', 'fly-replay: app=NAME'),
  }),
  PA05: failed('proxy_configuration_error', {
    sentence: 'The response header `fly-replay` names an application that this one may not send requests to.',
    fix: fixOf('Only applications of the same organization may be named'),
  }),
  PT01: failed('http_request_denied', {
    sentence: 'Too many TLS handshakes came from one range of addresses.',
    whose: 'client',
    fix: null,
  }),
};

/** The codes that Fly documents. For some of them, the sentence after the code says more. */
function flyVerdict(code: string, quoted: string): Verdict {
  if (Object.hasOwn(byCode, code)) return byCode[code] as Verdict;
  // Numbers of this family have changed between versions; the sentence shows whether a connection failed.
  if (code.startsWith('PM')) return /failed to connect/i.test(quoted) ? notConnected : notWoken;
  if (code.startsWith('PL')) return limitReached;
  if (code === 'PU02') return /timed out|timeout/i.test(quoted) ? tooSlow : broken;
  if (code.startsWith('PT') && code !== 'PT02') return clientTls;
  return unknown(code);
}

/** Before 2024 the proxy wrote the sentence alone. */
function flyVerdictOfText(quoted: string): Verdict {
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
    `The proxy failed; ${what} does not say why.`,
    fixOf("Read the machine's log at that time, and https://fly.io/docs/reference/error-codes", logs),
  );
}

const format = 'Fly proxy log';

/** `fly logs`: "2026-11-21T10:00:00Z proxy[148e2d7f] ams [error] [PC01] instance refused connection. …". */
const wholeLine =
  /^(?:(\d{4}-\d\d-\d\dT[\d:.]{8,18}Z?) )?(proxy|health|runner) ?\[([\w-]{1,40})\] ([a-z]{3}) ?\[(\w{4,7})\] ?(.*)$/s;

/** The rest of such a line, if another tool has removed the beginning. */
const bareLine = /^(?:\[(error|warn|info)\] ?)?(?=\[P[A-Z]\d\d\])(.*)$/s;

const bracketCode = /^\[?(P[A-Z]\d\d)\]:? ?/;

interface FlyLine {
  readonly atMs: number | null;
  readonly level: string | null;
  readonly source: string;
  readonly instance: string | null;
  readonly said: string;
}

function parse(line: string): FlyLine | null {
  const whole = wholeLine.exec(line);
  if (whole !== null) {
    const [, time, source = '', instance = '', , level = '', said = ''] = whole;
    // Older versions of the tool left out the zone; their times are UTC.
    const atMs = time === undefined ? null : isoTimeMs(time.endsWith('Z') ? time : `${time}Z`);
    return { atMs, level, source, instance, said };
  }
  const bare = bareLine.exec(line);
  if (bare !== null)
    return { atMs: null, level: bare[1] ?? null, source: 'proxy', instance: null, said: bare[2] ?? '' };
  return parseShipped(line);
}

/** The JSON of `fly logs --json` and of the log shipper. */
function parseShipped(line: string): FlyLine | null {
  if (!line.startsWith('{') || !line.includes('"fly"')) return null;
  const fields = jsonLine(line);
  const source = jsonText(jsonObject(fields?.event)?.provider);
  const said = jsonText(fields?.message);
  if (fields === null || source === null || said === null) return null;
  if (source !== 'proxy' && source !== 'health' && source !== 'runner') return null;
  const instance = jsonText(jsonObject(jsonObject(fields.fly)?.app)?.instance);
  return { atMs: isoTimeMs(fields.timestamp), level: jsonText(jsonObject(fields.log)?.level), source, instance, said };
}

function readFly(line: string): Finding | null {
  const parts = parse(judgedText(line));
  if (parts === null) return null;
  const pairs = parts.said.includes('error.message=') ? parseLogfmt(parts.said) : new Map<string, string>();
  const quoted = pairs.get('error.message') ?? parts.said;
  const code = bracketCode.exec(parts.said)?.[1] ?? pairs.get('error.code') ?? null;
  const verdict = judge(parts, code, quoted);
  const isFailure = verdict.shape !== 'none';
  return findingOf(
    {
      gateway: 'fly',
      format,
      kind: isFailure ? 'error' : 'event',
      atMs: parts.atMs,
      status: statusOf(pairs.get('response.status')),
      upstream: parts.instance,
      request: requestIn(pairs),
      evidence: isFailure ? evidenceOf(parts.said, quoted) : [],
      joins: pairs.get('request.id') ?? null,
    },
    verdict,
  );
}

function judge({ source, level }: FlyLine, code: string | null, quoted: string): Verdict {
  // A failed health check or a starting machine concerns no request.
  if (source !== 'proxy') return harmlessVerdict;
  // A machine at its limit is skipped, which fails no request by itself.
  if (level === 'warn' && (code?.startsWith('PL') === true || quoted.includes(' limit of '))) return harmlessVerdict;
  if (code !== null && /^P[A-Z]\d\d$/.test(code)) return flyVerdict(code, quoted);
  return level === 'error' ? flyVerdictOfText(quoted) : harmlessVerdict;
}

function requestIn(pairs: ReadonlyMap<string, string>): string | null {
  const [method, url] = [pairs.get('request.method'), pairs.get('request.url')];
  if (method === undefined || url === undefined) return null;
  return `${method} ${url.replace(/^https?:\/\/[^/]{1,255}/, '') || '/'}`;
}

function evidenceOf(said: string, quoted: string): string[] {
  const sentence = quoted.replace(bracketCode, '').slice(0, 160).trim();
  const code = bracketCode.exec(said)?.[1];
  return [...(code === undefined ? [] : [`[${code}]`]), sentence === '' ? 'no words' : sentence];
}

function recognise(line: string): 0 | 1 | 2 {
  return parse(line) === null ? 0 : 2;
}

export const flyDialect = dialect('fly', format, recognise, readFly);
