import type { ErrorCollector } from './error-collector.ts';
import type { Draft } from './draft.ts';
import { isMap } from './draft.ts';
import { quoted } from '../schema/error-detail.ts';
import { parseHeaderName } from '../schema/format/field.ts';
import type { Path } from '../schema/findings.ts';

/** Headers that the gateway writes itself. */
const own = new Set(['content-type', 'content-length', 'transfer-encoding', 'connection', 'host', 'content-encoding']);

const headerKeys = ['headers', 'header_files'] as const;

/** What is written about the collector. */
export function reviewOtlp(draft: Draft, collector: ErrorCollector): void {
  const { otlp } = draft.plain;
  if (!isMap(otlp)) return;
  const { endpoint, traces, logs, metrics } = otlp;
  const named = new Set<string>();
  for (const key of headerKeys)
    for (const name of Object.keys(otlp[key] ?? {})) {
      reviewHeader(name, ['otlp', key, name], named, collector);
      named.add(name.toLowerCase());
    }
  const isSecure = endpoint.startsWith('https:');
  for (const key of ['ca_file', 'certificate_file', 'key_file'] as const)
    if (!isSecure && otlp[key] !== undefined)
      collector.warnAtKey(
        ['otlp', key],
        `${quoted(key)} has no effect without https`,
        'write https:// in "endpoint", or remove it',
      );
  for (const key of headerKeys)
    if (!isSecure && Object.keys(otlp[key] ?? {}).length > 0 && !isLoopback(new URL(endpoint).hostname))
      collector.warnAtKey(
        ['otlp', key],
        'the headers go over the network in clear text',
        'write https:// in "endpoint", or send through a collector on this machine',
      );
  if (traces === 'none' && logs === 'none' && metrics === 'none')
    collector.warnAtKey(['otlp'], 'nothing is exported', 'remove the section, or one of its "none"');
}

/** `named`: those before it, in lower case. */
function reviewHeader(name: string, path: Path, named: ReadonlySet<string>, collector: ErrorCollector): void {
  const parsed = parseHeaderName(name);
  if (!parsed.ok) collector.addDetail(path, parsed.failure, 'key');
  else if (own.has(name.toLowerCase()))
    collector.errorAtKey(path, `the gateway writes ${quoted(name)} itself`, 'remove it');
  else if (named.has(name.toLowerCase())) collector.errorAtKey(path, `${quoted(name)} is there twice`, 'remove one');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\./.test(host);
}
