import { quoted } from '../../schema/error-detail.ts';
import type { Findings, Path } from '../../schema/findings.ts';

interface ConditionsRead {
  readonly headers?: Readonly<Record<string, unknown>>;
}

interface UsesRead {
  readonly log?:
    | 'off'
    | {
        readonly headers?: readonly string[];
        readonly format?: string;
        readonly fields?: Readonly<Record<string, string>>;
      };
  readonly rate_limits?: 'none' | RateLimitRead | readonly RateLimitRead[];
}

interface RateLimitRead {
  readonly by?: string | readonly string[];
}

interface MatchRead extends ConditionsRead {
  readonly not?: ConditionsRead;
  readonly any?: readonly ConditionsRead[];
}

const ownHeader = /\{header\.([^}]+)\}/gi;

/** What records, and what limits count by: of headers that `authentication` sets it is what the client has written, which no application gets. */
export function reviewUses(
  read: object,
  path: Path,
  what: 'file' | 'route',
  reserved: ReadonlySet<string>,
  findings: Findings,
): void {
  const { log, rate_limits: limits } = read as UsesRead;
  const warn = (at: Path, name: string, suggestion: string): void => {
    if (reserved.has(name.toLowerCase()))
      findings.warnAtValue(
        at,
        `here ${quoted(name)} is what the client sends, and no application gets: "authentication" sets its own`,
        suggestion,
      );
  };
  const named = 'remove it: the "user" of a record is who has authenticated';
  if (typeof log === 'object') {
    for (const [index, name] of (log.headers ?? []).entries()) warn([...path, 'log', 'headers', index], name, named);
    const texts = [
      ...Object.entries(log.fields ?? {}).map(([name, text]) => [['log', 'fields', name], text] as const),
      ...(what === 'file' ? [[['log', 'format'], log.format ?? ''] as const] : []),
    ];
    for (const [at, text] of texts)
      for (const [, name = ''] of text.matchAll(ownHeader)) warn([...path, ...at], name, named);
  }
  if (typeof limits !== 'object') return;
  const isList = Array.isArray(limits);
  for (const [index, limit] of [limits].flat().entries()) {
    const at = [...path, 'rate_limits', ...(isList ? [index] : []), 'by'];
    for (const part of [limit.by ?? []].flat())
      if (part.startsWith('header.')) warn(at, part.slice('header.'.length), 'count by user, or by claim.NAME');
  }
}

/**
 * Routes are chosen by what clients send, before anybody knows who they are: whoever writes a condition on a header that `authentication` sets
 * takes it for what applications get. `reserved`: names in lower case.
 */
export function reviewConditions(read: object, path: Path, reserved: ReadonlySet<string>, findings: Findings): void {
  const route = read as MatchRead;
  const blocks: readonly (readonly [Path, ConditionsRead | undefined])[] = [
    [path, route],
    [[...path, 'not'], route.not],
    ...(route.any ?? []).map((block, index) => [[...path, 'any', index], block] as const),
  ];
  for (const [at, block] of blocks)
    for (const name of Object.keys(block?.headers ?? {}))
      if (reserved.has(name.toLowerCase()))
        findings.warnAtKey(
          [...at, 'headers', name],
          `it is what clients send, who may write any name: "authentication" sets ${quoted(name)} after the route is found`,
          'let the route ask who they are, by "require" of "authentication"',
        );
}
