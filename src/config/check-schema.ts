import * as z from 'zod';
import type { StatusRange } from '../core/upstream-spec.ts';
import { defaults } from './defaults.ts';
import { parseHeaderName, parseHeaderValue } from '../schema/format/field.ts';
import { parseHostPattern } from './format/host-pattern.ts';
import { parseCheckPath, parseCheckWord } from './format/path-prefix.ts';
import { duration, encodeDetail, parsed, text, whole } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';
import { hide } from '../schema/schema-parts.ts';
import { type Result, succeed } from '#failures/result.ts';
import { type ErrorDetail, quoted, reject } from '../schema/error-detail.ts';

/** What may be written about health checks of configured addresses. */

const status = z.union([
  whole(200, 599).transform((value): StatusRange => ({ from: value, to: value })),
  parsed(parseStatusRange, { kind: 'status', examples: ['204', '2xx', '200-399'] }),
]);

/** Written by the checks themselves. */
const ownHeaders: ReadonlySet<string> = new Set([
  'host',
  'user-agent',
  'accept',
  'connection',
  'content-length',
  'transfer-encoding',
]);

/** Headers that a check sends. `hostAdvice`: what to do about a Host among them. */
export function checkHeaders(hostAdvice: string) {
  return z
    .record(z.string(), parsed(parseHeaderValue))
    .transform((written, context): (readonly [name: string, value: string])[] => {
      for (const name of Object.keys(written)) {
        const detail = headerError(name, hostAdvice);
        if (detail !== null) context.addIssue({ code: 'custom', path: [name], message: encodeDetail(detail) });
      }
      return Object.entries(written);
    });
}

function headerError(name: string, hostAdvice: string): { message: string; suggestion: string | null } | null {
  const result = parseHeaderName(name);
  if (!result.ok) return result.failure;
  if (!ownHeaders.has(name.toLowerCase())) return null;
  const suggestion = name.toLowerCase() === 'host' ? hostAdvice : 'remove it';
  return { message: `a check writes the header "${name}" itself`, suggestion };
}

/** What the response to a check must be like. */
export const expectation = section({
  status: key(
    z.union([status.transform((one) => [one]), z.array(status).min(1)]),
    'The statuses that pass, such as `204`, `2xx`, `200-399`, or a list.',
    defaults.check.expectStatus,
  ),
  headers: key(
    hide(z.record(z.string(), parsed(parseHeaderValue)), 'header', 'expectHeaders'),
    'Headers that the response must have, by name, with these values.',
  ),
  body: key(
    hide(text, 'value', 'expectBody'),
    'A text that the first 64 KiB of the body must contain. The whole body is then read.',
  ),
});

export const check = z.union([
  hide(parsed(parseCheckWord, { kind: 'check', examples: ['tcp', 'none', '/healthz'] }), 'query', 'path'),
  section({
    path: key(
      hide(parsed(parseCheckPath, { kind: 'path' }), 'query'),
      'Asked for by GET; a status from 200 to 299 passes. Without it a TCP connection does.',
    ),
    host: key(
      parsed(parseHostPattern, { kind: 'host' }),
      'The Host header of the check; without it the address of the endpoint.',
    ),
    grpc: key(
      z.string(),
      'A service whose health is asked for by gRPC (grpc.health.v1), in place of a path; `""` is the whole server. Needs `http2: true`.',
    ),
    port: key(
      whole(1, 65_535),
      'The port to check, where it is another one than that of requests. Unix sockets have none.',
    ),
    headers: key(
      hide(checkHeaders('write it as "host" of the check'), 'header'),
      'Headers that the check sends, by name.',
    ),
    expect: key(expectation, 'What the response must be like to pass.'),
    interval: key(duration, 'Between two checks.', defaults.check.interval),
    timeout: key(duration, 'For one check; a timeout is a failure.', defaults.check.timeout),
    passes: key(whole(1, 100), 'How many in a row make an endpoint healthy.', defaults.check.passes),
    fails: key(whole(1, 100), 'How many in a row make it unhealthy.', defaults.check.fails),
  }),
]);

/** `204`, `2xx`, `200-399`. */
function parseStatusRange(text: string): Result<StatusRange, ErrorDetail> {
  const hundreds = /^([2-5])xx$/i.exec(text)?.[1];
  if (hundreds !== undefined) return succeed({ from: Number(hundreds) * 100, to: Number(hundreds) * 100 + 99 });
  const range = /^(\d{3})(?:\s*[-–]\s*(\d{3}))?$/.exec(text);
  const from = Number(range?.[1]);
  const to = Number(range?.[2] ?? range?.[1]);
  if (range !== null && from >= 200 && from <= to && to <= 599) return succeed({ from, to });
  return reject(
    `${quoted(text)} is no status of a response`,
    'write a status such as 204, 2xx, or a range such as 200-399',
  );
}
