import * as z from 'zod';
import { declare } from '../../schema/default.ts';
import { bytes, count } from '../../schema/fallback.ts';
import { size, whole } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys, laidOver } from '../feature-keys.ts';
import { decompressionName, type DecompressionSpec } from './settings.ts';

const absent = {
  decompress: declare('false', 'Applications that get compressed requests mostly decode them by themselves.'),
  maxSize: declare(
    '10MiB',
    'Larger than what people send on purpose, and small enough for the memory of applications.',
  ),
  maxRatio: declare(
    '100',
    'Text becomes ten times as small; a body that becomes a thousand times as large is an attack.',
  ),
};

const decompress = z.union([
  z.boolean(),
  section({
    max_size: key(size, 'The largest body after decoding (413).', absent.maxSize),
    max_ratio: key(whole(2, 1000), 'How many times as large as it came a body may become (413).', absent.maxRatio),
  }),
]);

const text =
  'Decodes the bodies of requests that are compressed (gzip, deflate, br, zstd) before the application gets them';

/** Of a route. */
const routeKeys = { decompress_requests: key(decompress, `${text}, if it differs from the file.`) };

/** Of the file. */
const fileKeys = {
  decompress_requests: key(decompress, `${text}, in all routes that do not say otherwise.`, absent.decompress),
};

type DecompressRead = z.output<typeof decompress>;
type RouteRead = z.output<z.ZodObject<typeof routeKeys>>;
type FileRead = z.output<z.ZodObject<typeof fileKeys>>;

export const requestDecompression: FeatureKeys = featureKeys<RouteRead, object, FileRead>({
  name: decompressionName,
  routeKeys,
  fileKeys,
  forms: {
    decompress_requests: { example: '{ max_size: 10MiB }', off: 'write false', on: 'write true', stands: ['max_size'] },
  },
  needsUpstream: true,
  ofRoute: ({ decompress_requests: ofRoute }, { decompress_requests: ofFile }) => specOf(laidOver(ofRoute, ofFile)),
});

/** Null: bodies are passed on as they are. */
function specOf(read: Exclude<DecompressRead, boolean> | null): DecompressionSpec | null {
  if (read === null) return null;
  return { bytesMax: bytes(read.max_size, absent.maxSize), ratioMax: count(read.max_ratio, absent.maxRatio) };
}
