import { dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { type JsonLine, jsonLine, jsonNumber, jsonObject, jsonText } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import { statusOf } from '../status-field.ts';
import { appErrorVerdict, failedWith, unknownVerdict } from '../typed-verdict.ts';
import { findingOf, fixOf, type Verdict, harmlessVerdict } from '../verdict.ts';
import { isVercelCode, vercelVerdict } from './vercel-codes.ts';

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
