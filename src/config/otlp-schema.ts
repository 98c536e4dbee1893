import * as z from 'zod';
import { defaults } from './defaults.ts';
import { parseCollectorUrl } from './format/service-url.ts';
import { parseHeaderValue } from '../schema/format/field.ts';
import { barePercentError, parsePercent, percentPattern } from '../schema/format/percent.ts';
import { duration, oneOrMany, parsed, path, text } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';
import { hide } from '../schema/schema-parts.ts';

/** `otlp`: the collector that gets spans, records and metrics. */
export const otlp = z.union([
  z.literal('none'),
  section({
    endpoint: hide(parsed(parseCollectorUrl, { kind: 'URL', examples: ['http://127.0.0.1:4318'] }), 'path').meta({
      description: 'The URL of the collector, to which `/v1/traces`, `/v1/logs` and `/v1/metrics` are added.',
    }),
    format: key(z.enum(['protobuf', 'json']), 'How requests are encoded.', defaults.otlp.format),
    headers: key(
      hide(z.record(z.string(), parsed(parseHeaderValue)), 'header'),
      'Headers of each request to the collector, such as the key of an account: write `${NAME}` to take it from the environment.',
      defaults.otlp.headers,
    ),
    header_files: key(
      hide(z.record(z.string(), path), 'file', 'headers'),
      'Further headers of each request, by name: the value is the one line of the file.',
      defaults.otlp.headerFiles,
    ),
    compression: key(
      z.enum(['none', 'gzip']),
      'Whether requests are compressed. A collector that does not take gzip answers 400 or 415, and `candor status` says so.',
      defaults.otlp.compression,
    ),
    ca_file: key(
      oneOrMany(path),
      'Files of certificate authorities in PEM, by which the collector is trusted instead of those of the system.',
    ),
    certificate_file: key(
      path,
      'The certificate that the gateway shows to a collector that asks who it is, in PEM, with its intermediate ones after it.',
    ),
    key_file: key(hide(path, 'file', 'key'), 'The private key of that certificate, in PEM, without a passphrase.'),
    timeout: key(duration, 'For how long one request to the collector may take.', defaults.otlp.timeout),
    resource: key(
      hide(z.record(z.string(), text), 'name'),
      'Attributes of the resource, beside those that the gateway knows: `service.name` is the `deployment` unless it stands here.',
      defaults.otlp.resource,
    ),
    traces: key(
      z.union([
        z.literal('none'),
        section({
          share: key(
            parsed(parsePercent, {
              kind: 'percentage',
              bare: barePercentError,
              pattern: `^${percentPattern}$`,
              examples: ['100%', '5%'],
            }),
            'Of the requests that come without a trace, the share of which a trace is sampled. A request with one is sampled as its caller says; what fails is exported in any case.',
            defaults.otlp.share,
          ),
        }),
      ]),
      'A span for each exchange, and one for each of its attempts; `none`: no spans.',
    ),
    logs: key(
      z.enum(['failed', 'all', 'none']),
      'Which exchanges become log records: those that failed or were retried, or all; with them go the events. `none`: neither.',
      defaults.otlp.logs,
    ),
    metrics: key(
      z.union([
        z.literal('none'),
        section({ interval: key(duration, 'The time between two exports.', defaults.otlp.interval) }),
      ]),
      'The metrics that `/metrics` of the admin API shows; `none`: no metrics.',
    ),
  }),
]);

export type OtlpRead = z.output<typeof otlp>;
