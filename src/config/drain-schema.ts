/** What may be written about endpoints that ask for no new requests. */
import * as z from 'zod';
import { defaults } from './defaults.ts';
import { parseFieldName } from '../schema/format/field.ts';
import { parsed, text } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';
import { hide } from '../schema/schema-parts.ts';

const absent = defaults.drainSignal;

export const drainSignal = z.union([
  z.boolean(),
  section({
    header: key(
      parsed(parseFieldName, { kind: 'header name', examples: ['x-envoy-immediate-health-check-fail'] }),
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

export type DrainSignalRead = z.output<typeof drainSignal>;
