import { dnsCodes } from '../../../failures/src/dns-codes.ts';
import { meaningOf } from '../../../failures/src/errno-meaning.ts';
import type { ProxyErrorType } from '../../../failures/src/proxy-error.ts';
import type { Stage } from '../../../failures/src/stage.ts';
import { failedWith, type FailureWords, unknownVerdict, fixOf, type Verdict } from '../verdict.ts';
import type { Why } from './node-lines.ts';

const failed = (type: ProxyErrorType, words: FailureWords): Verdict => failedWith('reverse-proxy', type, words);

const certificateCodes =
  /^(?:CERT_|SELF_SIGNED|DEPTH_ZERO_SELF|UNABLE_TO_(?:VERIFY|GET_ISSUER|GET_CRL|DECRYPT)|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/;

/** The verdict on a request, from Node's error. */
export function judgeNode(why: Why, target: string | null): Verdict {
  const { code, words } = why;
  const endpoint = target ?? addressIn(words) ?? 'the target';
  if (code === null) return judgeWords(words, endpoint);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || words.startsWith('query')) return noName(code, endpoint);
  if (certificateCodes.test(code)) return certificate(code, endpoint);
  if (code.startsWith('HPE_')) return misread(code, endpoint);
  if (code === 'ESOCKETTIMEDOUT') return tooSlow(endpoint);
  if (code.startsWith('UND_ERR_')) return judgeUndici(why, endpoint);
  if (code === 'EPROTO' || /^ERR_(?:SSL|TLS)_/.test(code)) return tls(why, endpoint);
  return judgeErrno(code, words, endpoint);
}

function judgeWords(words: string, endpoint: string): Verdict {
  if (words.startsWith('socket hang up')) return reset(endpoint);
  if (words.startsWith('Parse Error')) return misread(words, endpoint);
  if (words.startsWith('Client network socket')) return reset(endpoint, 'tls');
  if (/certificate/.test(words)) return certificate(words, endpoint);
  if (Object.hasOwn(undiciWords, words)) return judgeUndici({ code: undiciWords[words] ?? null, words }, endpoint);
  return unknownNode(endpoint);
}

/** The messages of undici, Node's `fetch`, whose error code is in another line. */
const undiciWords: Readonly<Record<string, string>> = {
  'Connect Timeout Error': 'UND_ERR_CONNECT_TIMEOUT',
  'Headers Timeout Error': 'UND_ERR_HEADERS_TIMEOUT',
  'Body Timeout Error': 'UND_ERR_BODY_TIMEOUT',
  'Headers Overflow Error': 'UND_ERR_HEADERS_OVERFLOW',
  'other side closed': 'UND_ERR_SOCKET',
};

function judgeUndici({ code }: Why, endpoint: string): Verdict {
  switch (code) {
    case 'UND_ERR_CONNECT_TIMEOUT':
      return connectTimeout(endpoint);
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return tooSlow(endpoint, code === 'UND_ERR_BODY_TIMEOUT' ? 'bodyTimeout: 120_000' : 'headersTimeout: 120_000');
    case 'UND_ERR_HEADERS_OVERFLOW':
      return misread('HEADER_OVERFLOW', endpoint);
    case 'UND_ERR_SOCKET':
      return reset(endpoint);
    default:
      return unknownNode(endpoint);
  }
}

function judgeErrno(code: string, words: string, endpoint: string): Verdict {
  switch (meaningOf(code)) {
    case 'refused':
      return code === 'EAGAIN' ? backlogFull(endpoint) : refused(endpoint);
    case 'missing':
    case 'not_permitted':
      return failed('connection_refused', {
        sentence: `The socket ${endpoint} does not exist, or the proxy may not use it (${code}).`,
        whose: 'operator',
        fix: fixOf('Check its path and permissions, and where the application listens', 'ls -l /path/of/the.sock'),
      });
    case 'timed_out':
      return words.startsWith('read') || words.startsWith('write') ? tooSlow(endpoint) : connectTimeout(endpoint);
    case 'unroutable':
      return failed('destination_ip_unroutable', {
        sentence: `There is no route to ${endpoint} (${code}).`,
        fix: fixOf('Check the address, and the network that the proxy runs in', 'ip route get ADDRESS'),
      });
    case 'reset':
      return reset(endpoint);
    case 'ports_spent':
    case 'resources_spent':
      return failed('connection_limit_reached', {
        sentence: `The proxy itself had no port, file descriptor or memory left for another connection (${code}).`,
        whose: 'gateway',
        fix: fixOf(
          'Keep connections alive with an agent, and allow the process to open more files',
          'agent: new http.Agent({ keepAlive: true, maxSockets: 256 })',
        ),
      });
    default:
      return unknownNode(endpoint);
  }
}

function backlogFull(endpoint: string): Verdict {
  return failed('connection_refused', {
    sentence: `The queue of waiting connections at ${endpoint} is full (EAGAIN).`,
    fix: fixOf('Add workers to the application, or lengthen its queue', 'server.listen({ path, backlog: 1024 })'),
  });
}

function refused(endpoint: string): Verdict {
  return failed('connection_refused', {
    sentence: `Nothing listens on ${endpoint}.`,
    fix: fixOf(
      'Start the application, and set `target` to the address that it listens on: localhost may be ::1 while it listens on 127.0.0.1, and another container is never localhost',
      "target: 'http://127.0.0.1:3000'",
    ),
  });
}

function reset(endpoint: string, stage: Stage = 'response'): Verdict {
  return failed('connection_terminated', {
    sentence: `${endpoint} closed the connection ${stage === 'tls' ? 'in the TLS handshake' : 'before it had answered'}.`,
    stage,
    fix: fixOf(
      'Check for a crash or a restart of the application. If a body parser runs before the proxy, the request never ends: put the proxy first. An expired `proxyTimeout` looks the same',
      "app.use('/api', proxy); app.use(express.json());",
    ),
  });
}

function connectTimeout(endpoint: string): Verdict {
  return failed('connection_timeout', {
    sentence: `The connection to ${endpoint} timed out.`,
    fix: fixOf('Check whether the proxy can reach that address, and whether a firewall blocks it', 'nc -vz HOST PORT'),
  });
}

function tooSlow(endpoint: string, limit = 'proxyTimeout: 120_000'): Verdict {
  return failed('connection_read_timeout', {
    sentence: `${endpoint} got the request, but sent nothing in time.`,
    fix: fixOf('Find out what the application waits for, or raise the timeout', limit),
  });
}

function noName(code: string, endpoint: string): Verdict {
  return failed(dnsCodes[code]?.kind === 'silent' ? 'dns_timeout' : 'dns_error', {
    sentence: `The name of ${endpoint} could not be looked up (${code}).`,
    fix: fixOf(
      "Correct the name in `target`, or add it to the name server (a container's name exists only in its own network)",
      'getent hosts NAME',
    ),
  });
}

function certificate(code: string, endpoint: string): Verdict {
  return failed('tls_certificate_error', {
    sentence: `The certificate of ${endpoint} is not trusted (${code}).`,
    fix: fixOf(
      'Configure the proxy with the authority that signed it, and use the name of the certificate in `target`',
      "agent: new https.Agent({ ca: readFileSync('ca.pem') })",
    ),
  });
}

function tls({ code, words }: Why, endpoint: string): Verdict {
  const [, alert] = /alert number (\d{1,3})/.exec(words) ?? [];
  return failed(alert === undefined ? 'tls_protocol_error' : 'tls_alert_received', {
    sentence: `TLS with ${endpoint} failed (${alert === undefined ? code : `alert ${alert}`}).`,
    fix: fixOf(
      'Check whether that port speaks TLS; if not, write http:// into `target`',
      "target: 'http://127.0.0.1:3000'",
    ),
  });
}

/** Codes of the HTTP parser. Only those for a head that is too large and for chunks say more than "no HTTP". */
function misread(what: string, endpoint: string): Verdict {
  const isOverflow = /HEADER_OVERFLOW|[Hh]eader overflow/.test(what);
  const isChunk = /HPE_INVALID_CHUNK|HPE_CHUNK|HPE_INVALID_TRANSFER|[Cc]hunk/.test(what);
  const type = isOverflow
    ? 'http_response_header_section_size'
    : isChunk
      ? 'http_response_transfer_coding'
      : 'http_protocol_error';
  return failed(type, {
    sentence: `${endpoint} sent a response that Node's parser rejects as HTTP (${what}).`,
    stage: isChunk ? 'body' : 'response',
    fix: isOverflow
      ? fixOf(
          'Send fewer or smaller headers, or allow larger heads in Node',
          'node --max-http-header-size=65536 server.js',
        )
      : fixOf(
          'Look at the response itself; a port that speaks TLS or another protocol causes this too',
          'curl -v http://HOST:PORT/',
        ),
  });
}

export function unknownNode(endpoint: string): Verdict {
  return unknownVerdict(
    'reverse-proxy',
    `The request to ${endpoint} failed; the line has no error code.`,
    fixOf(
      'Log the code of the error as well',
      "proxy.on('error', (error, request) => console.error(request.url, error.code, error));",
    ),
  );
}

/** "127.0.0.1:3000" of "connect ECONNREFUSED 127.0.0.1:3000", "api" of "getaddrinfo ENOTFOUND api". */
export function addressIn(words: string): string | null {
  const [, endpoint] = /(?:^|\s)(?:connect|getaddrinfo|query\w{1,10}) (?:E[A-Z_]{3,20} )?(\S{1,200})/.exec(words) ?? [];
  return endpoint ?? null;
}
