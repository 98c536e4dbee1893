import { dialect } from '../dialect.ts';
import type { Finding, Fix } from '../finding.ts';
import { type JsonLine, jsonLine, jsonNumber, jsonObject, jsonText, statusOf } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import {
  appErrorVerdict,
  failedWith,
  unknownVerdict,
  type FailureWords,
  unreachableVerdict,
  findingOf,
  fixOf,
  type Verdict,
  harmlessVerdict,
} from '../verdict.ts';
import type { ProxyErrorType } from '../../../failures/src/proxy-error.ts';

const failed = (type: ProxyErrorType, words: FailureWords): Verdict => failedWith('platform-edge', type, words);

const functionTimedOut = failed('http_response_timeout', {
  sentence: 'The function did not answer before its timeout.',
  fix: fixOf(
    'Find out what the function waits for, or raise its timeout',
    '{ "functions": { "api/*.js": { "maxDuration": 60 } } }',
  ),
});

const threw = appErrorVerdict(
  'The function threw an error before it answered.',
  fixOf("Read the function's log for that request", 'vercel logs DEPLOYMENT'),
);

const dnsFix = fixOf('Correct the host in `rewrites` of vercel.json, or its DNS records', 'dig +short HOST');

const dns = (sentence: string): Verdict => failed('dns_error', { sentence, fix: dnsFix });

const request = (sentence: string): Verdict => failed('http_request_error', { sentence, fix: null });

const unavailable = (sentence: string, fix: Fix): Verdict =>
  failed('destination_unavailable', { sentence, whose: 'operator', fix });

const misconfigured = (sentence: string): Verdict =>
  failed('proxy_configuration_error', {
    sentence,
    fix: fixOf('Simplify `rewrites`, `redirects` and `routes` in vercel.json'),
  });

const internal = failed('proxy_internal_error', {
  sentence: 'Vercel itself failed.',
  fix: fixOf('See https://www.vercel-status.com; if it persists, ask Vercel with the id of the response'),
});

/** Codes of https://vercel.com/docs/errors. */
const byCode: Readonly<Record<string, Verdict>> = {
  FUNCTION_INVOCATION_TIMEOUT: functionTimedOut,
  EDGE_FUNCTION_INVOCATION_TIMEOUT: functionTimedOut,
  MIDDLEWARE_INVOCATION_TIMEOUT: functionTimedOut,
  INTERNAL_FUNCTION_INVOCATION_TIMEOUT: functionTimedOut,
  INTERNAL_EDGE_FUNCTION_INVOCATION_TIMEOUT: functionTimedOut,
  FUNCTION_INVOCATION_FAILED: threw,
  EDGE_FUNCTION_INVOCATION_FAILED: threw,
  MIDDLEWARE_INVOCATION_FAILED: threw,
  MICROFRONTENDS_MIDDLEWARE_ERROR: threw,
  NO_RESPONSE_FROM_FUNCTION: failed('connection_terminated', {
    sentence: 'The function ended without a response.',
    fix: fixOf(
      'Check that every path through the function sends a response, and that it does not end its process',
      'vercel logs DEPLOYMENT',
    ),
  }),
  BODY_NOT_A_STRING_FROM_FUNCTION: failed('http_protocol_error', {
    sentence: 'The function returned a body that is not a string.',
    fix: fixOf('Return the body as a string', 'return { statusCode: 200, body: JSON.stringify(value) };'),
  }),
  FUNCTION_RESPONSE_PAYLOAD_TOO_LARGE: failed('http_response_body_size', {
    sentence: "The function's response is larger than Vercel accepts (4.5 MB).",
    fix: fixOf('Stream the response, or redirect the client to an object store'),
  }),
  FALLBACK_BODY_TOO_LARGE: failed('http_response_body_size', {
    sentence: 'The page is too large for the cache.',
    fix: fixOf('Make the page smaller, or do not prerender it'),
  }),
  FUNCTION_PAYLOAD_TOO_LARGE: request('The request is larger than a function of Vercel accepts (4.5 MB).'),
  FUNCTION_THROTTLED: failed('connection_limit_reached', {
    sentence: 'The function has reached its concurrency limit.',
    whose: 'operator',
    fix: fixOf("Raise the project's concurrency limit, or make functions end sooner"),
  }),
  FUNCTION_RATE_LIMIT: failed('connection_limit_reached', {
    sentence: 'The function is called more often than its rate limit allows.',
    whose: 'operator',
    fix: fixOf('Spread the calls, or cache responses', 'Cache-Control: s-maxage=60'),
  }),
  DNS_HOSTNAME_NOT_FOUND: dns('The host name of a rewrite does not exist in the DNS.'),
  DNS_HOSTNAME_EMPTY: dns('The host of a rewrite has no address in the DNS.'),
  DNS_HOSTNAME_RESOLVE_FAILED: dns('The host of a rewrite could not be looked up.'),
  DNS_HOSTNAME_SERVER_ERROR: dns('The name server for the host of a rewrite failed.'),
  DNS_HOSTNAME_RESOLVED_PRIVATE: failed('destination_ip_prohibited', {
    sentence: 'The host of a rewrite has a private address.',
    fix: fixOf('Rewrite to a host with a public address', 'dig +short HOST'),
  }),
  DEPLOYMENT_PAUSED: unavailable(
    'The deployment is paused.',
    fixOf("Resume the project in its settings, and look at the account's limits"),
  ),
  DEPLOYMENT_DISABLED: unavailable('The deployment is disabled.', fixOf("Check the account's bills and limits")),
  DEPLOYMENT_DELETED: unavailable('The deployment was deleted.', fixOf('Deploy again', 'vercel deploy --prod')),
  DEPLOYMENT_BLOCKED: failed('http_request_denied', {
    sentence: 'The deployment is blocked.',
    fix: fixOf('Ask Vercel why, with the id of the response'),
  }),
  DEPLOYMENT_NOT_FOUND: failed('destination_not_found', {
    sentence: 'The domain has no deployment.',
    fix: fixOf('Check which project has the domain', 'vercel domains ls'),
  }),
  NOT_FOUND: failed('destination_not_found', {
    sentence: 'The deployment has nothing at this path.',
    whose: 'client',
    fix: fixOf('If it should, compare the output of the build with the path', 'vercel inspect DEPLOYMENT'),
  }),
  INFINITE_LOOP_DETECTED: failed('proxy_loop_detected', {
    sentence: 'The deployment calls itself again and again.',
    fix: fixOf('Find the rewrite, middleware or fetch that requests the same address'),
  }),
  ROUTER_EXTERNAL_TARGET_CONNECTION_ERROR: unreachableVerdict('platform-edge', {
    sentence: 'There was no usable connection to the host of a rewrite.',
    whose: null,
    fix: fixOf('Check whether that host is up and reachable from the internet', 'curl -v https://HOST/'),
  }),
  ROUTER_EXTERNAL_TARGET_HANDSHAKE_ERROR: failed('tls_protocol_error', {
    sentence: 'TLS with the host of a rewrite failed.',
    fix: fixOf("Check the host's certificate and TLS versions", 'openssl s_client -connect HOST:443 -servername HOST'),
  }),
  ROUTER_CANNOT_MATCH: misconfigured('The routes of the deployment could not be evaluated.'),
  ROUTER_TOO_MANY_HAS_SELECTIONS: misconfigured('A route has too many conditions (`has`).'),
  TOO_MANY_FILESYSTEM_CHECKS: misconfigured('The routes look into the file system too often.'),
  TOO_MANY_FORKS: misconfigured('The routes branch too often.'),
  MIDDLEWARE_RUNTIME_DEPRECATED: misconfigured('The middleware needs a runtime that no longer exists.'),
  SANDBOX_NOT_FOUND: failed('destination_not_found', {
    sentence: 'The sandbox does not exist.',
    fix: fixOf('Make it again'),
  }),
  SANDBOX_NOT_LISTENING: failed('connection_refused', {
    sentence: 'Nothing listens on the port of the sandbox.',
    fix: fixOf('Start the server in the sandbox, on the port that the sandbox was created with'),
  }),
  SANDBOX_STOPPED: unavailable('The sandbox has been stopped.', fixOf('Start another one, or raise its timeout')),
  RESOURCE_NOT_FOUND: failed('destination_not_found', {
    sentence: 'Nothing exists at this address.',
    whose: 'client',
    fix: null,
  }),
  INVALID_REQUEST_METHOD: request('The method of the request is not allowed here.'),
  MALFORMED_REQUEST_HEADER: request('A header of the request is malformed.'),
  REQUEST_HEADER_TOO_LARGE: request('The head of the request is too large.'),
  URL_TOO_LONG: request('The address of the request is too long.'),
  TOO_MANY_RANGES: request('The request asks for too many ranges.'),
  RANGE_END_NOT_VALID: request('The range that the request asks for is malformed.'),
  RANGE_GROUP_NOT_VALID: request('The range that the request asks for is malformed.'),
  RANGE_MISSING_UNIT: request('The range that the request asks for has no unit.'),
  RANGE_START_NOT_VALID: request('The range that the request asks for is malformed.'),
  RANGE_UNIT_NOT_SUPPORTED: request('The range that the request asks for has a unit other than bytes.'),
  INVALID_IMAGE_OPTIMIZE_REQUEST: request('The request for an image has wrong parameters.'),
};

/** Codes for a failure without a cause. */
const vague = new Set(['ROUTER_EXTERNAL_TARGET_ERROR', 'OPTIMIZED_EXTERNAL_IMAGE_REQUEST_FAILED']);

function isVercelCode(code: string): boolean {
  return Object.hasOwn(byCode, code) || vague.has(code) || /^INTERNAL_(?:[A-Z]{2,20}_)*[A-Z]{2,20}$/.test(code);
}

function vercelVerdict(code: string): Verdict {
  if (Object.hasOwn(byCode, code)) return byCode[code] as Verdict;
  if (isVercelCode(code) && !vague.has(code)) return internal;
  return unknownVerdict(
    'platform-edge',
    `Vercel reported ${code}, which does not say how it failed.`,
    fixOf(`Read https://vercel.com/docs/errors/${code}, and check what serves that path`),
  );
}

const format = 'Vercel log';

/** "[POST] /api/orders reason=FUNCTION_INVOCATION_TIMEOUT, status=504, user_error=true". */
const runtimeLine = /^\[([A-Z]{3,7})\] (\S{1,2000}) (?:.{0,200} )?reason=([A-Z][A-Z_]{3,60})\b/;
const plainLine = /^\[([A-Z]{3,7})\] (\S{1,2000}) status=(\d{3})\b/;

/** From an error page, or from the response header. */
const codeLine = /^(?:Code|code|[xX]-[vV]ercel-[eE]rror): ?`?([A-Z][A-Z_]{3,60})`?\s{0,10}$/;

function readVercel(line: string): Finding | null {
  const text = judgedText(line);
  return readRuntime(text) ?? readCode(text) ?? readDrain(text);
}

function readRuntime(text: string): Finding | null {
  const failure = runtimeLine.exec(text);
  const passed = failure === null ? plainLine.exec(text) : null;
  const [, method, path, reason] = failure ?? passed ?? [];
  if (method === undefined || reason === undefined) return null;
  const status = statusOf(/\bstatus=(\d{3})\b/.exec(text.slice(0, 4000))?.[1]);
  const verdict = failure === null ? judgeStatus(status, null) : vercelVerdict(reason);
  const evidence = failure === null ? [`status=${status}`] : [`reason=${reason}`];
  return finding({ status, request: `${method} ${path}`, evidence }, verdict, failure !== null);
}

function readCode(text: string): Finding | null {
  const [found, code] = codeLine.exec(text) ?? [];
  if (found === undefined || code === undefined || !isVercelCode(code)) return null;
  return finding({ evidence: [found.trim()] }, vercelVerdict(code), true);
}

function isDrain(fields: JsonLine): boolean {
  return typeof fields.deploymentId === 'string' && typeof fields.source === 'string' && 'projectId' in fields;
}

/** A line of a log drain. */
function readDrain(text: string): Finding | null {
  if (!text.startsWith('{') || !text.includes('"deploymentId"')) return null;
  const fields = jsonLine(text);
  if (fields === null || !isDrain(fields)) return null;
  const proxy = jsonObject(fields.proxy) ?? {};
  const quoted = jsonText(fields.message) ?? '';
  const status = statusOf(proxy.statusCode) ?? statusOf(fields.statusCode);
  const [code] = /\b(?:[A-Z]{2,20}_){1,6}[A-Z]{2,20}\b/.exec(quoted.slice(0, 4000)) ?? [];
  const known = jsonText(fields.errorCode) ?? code;
  const isKnown = known !== undefined && isVercelCode(known);
  const verdict = isKnown ? vercelVerdict(known) : judgeDrain(fields, status, quoted);
  const method = jsonText(proxy.method);
  const path = jsonText(proxy.path) ?? jsonText(fields.path);
  return finding(
    {
      atMs: jsonNumber(fields.timestamp),
      status,
      upstream: jsonText(fields.entrypoint),
      request: path === null ? null : `${method ?? 'GET'} ${path}`,
      evidence: isKnown ? [known] : drainEvidence(fields, proxy, quoted),
      joins: jsonText(fields.requestId),
    },
    verdict,
    isKnown,
  );
}

const timedOut = /\bTask timed out after [\d.]{1,12} seconds/;

function drainEvidence(fields: JsonLine, proxy: JsonLine, quoted: string): string[] {
  const [said] = timedOut.exec(quoted.slice(0, 4000)) ?? [];
  const status = `statusCode=${jsonNumber(fields.statusCode) ?? jsonNumber(proxy.statusCode) ?? '-'}`;
  return said === undefined ? [status] : [said, status];
}

function judgeDrain(fields: JsonLine, status: number | null, quoted: string): Verdict {
  if (timedOut.test(quoted.slice(0, 4000))) return vercelVerdict('FUNCTION_INVOCATION_TIMEOUT');
  // Documented: -1 means that the function crashed without a response.
  if (jsonNumber(fields.statusCode) === -1)
    return failedWith('platform-edge', 'connection_terminated', {
      sentence: 'The function crashed without a response.',
      fix: fixOf("Read the function's log for that request", 'vercel logs DEPLOYMENT'),
    });
  return judgeStatus(status, jsonText(fields.source));
}

/** Without a code, only a 500 is certain to be the function's own: the platform has codes for the others. */
function judgeStatus(status: number | null, source: string | null): Verdict {
  if (status === null || status < 500) return harmlessVerdict;
  if (status === 500 && (source === null || source === 'lambda' || source === 'edge'))
    return appErrorVerdict(
      'The function answered 500, or threw an error.',
      fixOf("Read the function's log for that request"),
    );
  return unknownVerdict(
    null,
    `The client got ${status}; the line has no code of Vercel, so the function may have sent it.`,
    fixOf('Check the response for `x-vercel-error`: Vercel adds it to its own errors', 'curl -sI https://HOST/PATH'),
  );
}

function finding(
  facts: Partial<Pick<Finding, 'atMs' | 'status' | 'upstream' | 'request' | 'evidence' | 'joins'>>,
  verdict: Verdict,
  isError: boolean,
): Finding {
  const isWell = verdict.shape === 'none';
  return findingOf(
    { gateway: 'vercel', format, kind: isError ? 'error' : 'access', ...facts, ...(isWell ? { evidence: [] } : {}) },
    verdict,
  );
}

function recognise(line: string): 0 | 1 | 2 {
  if (line.startsWith('[')) {
    const [, , , reason] = runtimeLine.exec(line) ?? [];
    return reason === undefined ? (plainLine.test(line) ? 1 : 0) : isVercelCode(reason) ? 2 : 1;
  }
  if (!line.startsWith('{')) {
    const [, code] = codeLine.exec(line) ?? [];
    return code !== undefined && isVercelCode(code) ? 2 : 0;
  }
  return line.includes('"deploymentId"') && line.includes('"projectId"') && line.includes('"source"') ? 2 : 0;
}

export const vercelDialect = dialect('vercel', format, recognise, readVercel);
