import { resolve } from 'node:path';
import type { OtlpSpec } from '../core/configuration.ts';
import type { BuildContext } from './build-context.ts';
import { defaults } from './defaults.ts';
import { ms, share } from './fallback.ts';
import type { OtlpRead } from './otlp-schema.ts';

export function buildOtlp(read: OtlpRead | undefined, context: BuildContext): OtlpSpec | null {
  if (read === undefined || read === 'none') return null;
  const { endpoint, format, headers, ca_file = [], timeout, resource, traces = {}, logs, metrics = {} } = read;
  return {
    endpoint,
    format: format ?? 'protobuf',
    headers: headers ?? {},
    authorities: ca_file.flatMap((path) => {
      const reading = context.readings.get(resolve(context.directory, path));
      return reading?.ok === true ? [reading.text] : [];
    }),
    timeoutMs: ms(timeout, defaults.otlp.timeout),
    resource: resource ?? {},
    traces: traces === 'none' ? null : { share: share(traces.share, defaults.otlp.share) },
    logs: logs ?? 'failed',
    metrics: metrics === 'none' ? null : { intervalMs: ms(metrics.interval, defaults.otlp.interval) },
  };
}
