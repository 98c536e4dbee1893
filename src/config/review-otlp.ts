import type { ErrorCollector } from './error-collector.ts';
import type { Draft } from './draft.ts';
import { isMap } from './draft.ts';
import { quoted } from './error-detail.ts';
import { parseFieldName } from './format/field.ts';

/** Headers that the gateway writes itself. */
const own = new Set(['content-type', 'content-length', 'transfer-encoding', 'connection', 'host', 'content-encoding']);

/** What is written about the collector. */
export function reviewOtlp(draft: Draft, collector: ErrorCollector): void {
  const { otlp } = draft.plain;
  if (!isMap(otlp)) return;
  const { endpoint, headers = {}, ca_file, traces, logs, metrics } = otlp;
  for (const name of Object.keys(headers)) {
    const parsed = parseFieldName(name);
    const path = ['otlp', 'headers', name];
    if (!parsed.ok) collector.addDetail(path, parsed.failure, 'key');
    else if (own.has(name.toLowerCase()))
      collector.errorAtKey(path, `the gateway writes ${quoted(name)} itself`, 'remove it');
  }
  const isSecure = endpoint.startsWith('https:');
  if (!isSecure && ca_file !== undefined)
    collector.warnAtKey(
      ['otlp', 'ca_file'],
      '"ca_file" has no effect without https',
      'write https:// in "endpoint", or remove it',
    );
  if (!isSecure && Object.keys(headers).length > 0 && !isLoopback(new URL(endpoint).hostname))
    collector.warnAtKey(
      ['otlp', 'headers'],
      'the headers go over the network in clear text',
      'write https:// in "endpoint", or send through a collector on this machine',
    );
  if (traces === 'none' && logs === 'none' && metrics === 'none')
    collector.warnAtKey(['otlp'], 'nothing is exported', 'remove the section, or one of its "none"');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\./.test(host);
}
