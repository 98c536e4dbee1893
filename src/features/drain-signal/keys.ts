import * as z from 'zod';
import type { DrainSignalSpec } from '../../core/upstream-spec.ts';
import { declare } from '../../schema/default.ts';
import { parseHeaderName } from '../../schema/format/field.ts';
import { parsed, text } from '../../schema/leaves.ts';
import { hide } from '../../schema/schema-parts.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { drainSignalName } from './settings.ts';

const absent = {
  absent: declare('false', 'Only the operator knows whether the application passes on headers that strangers give it.'),
  header: declare(
    'x-envoy-immediate-health-check-fail',
    'Applications that run behind Envoy or in a service mesh send it already, and no RFC has a name for it.',
  ),
  value: declare(
    'none',
    'The header is dropped from requests; only an application that lets strangers write its response headers needs a value.',
  ),
};

const drainSignal = z.union([
  z.boolean(),
  section({
    header: key(
      parsed(parseHeaderName, { kind: 'header name', examples: ['x-envoy-immediate-health-check-fail'] }),
      'The header of a response by which an endpoint says it. The gateway drops it from requests and from responses.',
      absent.header,
    ),
    value: key(
      hide(text, 'value'),
      'What the value of the header must be, such as a secret; without it anything but `false`.',
      absent.value,
    ),
  }),
]);

/** Of an upstream or an application. */
const drainSignalKeys = {
  drain_signal: key(
    drainSignal,
    'Whether an endpoint may say that it wants no new requests: by a header of its responses, also those to checks, or by its health document.',
    absent.absent,
  ),
};

type UpstreamRead = z.output<z.ZodObject<typeof drainSignalKeys>>;

export const drainSignals: FeatureKeys = featureKeys<object, UpstreamRead>({
  name: drainSignalName,
  upstreamKeys: drainSignalKeys,
  forms: {
    drain_signal: { example: '{ header: X-Leaving }', off: 'write false', on: 'write true' },
  },
  ofUpstream({ drain_signal: read }): DrainSignalSpec | null {
    if (read === undefined || read === false) return null;
    const { header, value } = read === true ? {} : read;
    return { header: (header ?? absent.header.written).toLowerCase(), value: value ?? null };
  },
});
