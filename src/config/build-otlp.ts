import type { OtlpSpec } from '../core/configuration.ts';
import { type BuildContext, contentOf } from './build-context.ts';
import { defaults } from './defaults.ts';
import { ms, share } from '../schema/fallback.ts';
import type { OtlpRead } from './otlp-schema.ts';

type OtlpSection = Exclude<OtlpRead, 'none'>;

export function buildOtlp(read: OtlpRead | undefined, context: BuildContext): OtlpSpec | null {
  if (read === undefined || read === 'none') return null;
  const { endpoint, format, ca_file = [], timeout, resource, traces = {}, logs, metrics = {} } = read;
  return {
    endpoint,
    format: format ?? 'protobuf',
    headers: headersOf(read, context),
    compression: read.compression ?? 'none',
    authorities: ca_file.map((path) => contentOf(path, context)),
    identity: identityOf(read, context),
    timeoutMs: ms(timeout, defaults.otlp.timeout),
    resource: resource ?? {},
    traces: traces === 'none' ? null : { share: share(traces.share, defaults.otlp.share) },
    logs: logs ?? 'failed',
    metrics: metrics === 'none' ? null : { intervalMs: ms(metrics.interval, defaults.otlp.interval) },
  };
}

function headersOf({ headers = {}, header_files = {} }: OtlpSection, context: BuildContext): OtlpSpec['headers'] {
  const fromFiles = Object.entries(header_files).map(([name, path]) => [name, contentOf(path, context).trim()]);
  return { ...headers, ...(Object.fromEntries(fromFiles) as Record<string, string>) };
}

function identityOf({ certificate_file, key_file }: OtlpSection, context: BuildContext): OtlpSpec['identity'] {
  if (certificate_file === undefined || key_file === undefined) return null;
  return { certificate: contentOf(certificate_file, context), key: contentOf(key_file, context) };
}
