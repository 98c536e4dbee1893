import * as z from 'zod';
import { declare } from '../../schema/default.ts';
import { bytes } from '../../schema/fallback.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { oneOrMany, parsed, size, whole } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import { type ErrorDetail, quoted, reject } from '../../schema/error-detail.ts';
import { type Result, succeed } from '#failures/result.ts';
import { type FeatureKeys, featureKeys, laidOver } from '../feature-keys.ts';
import { type CompressionSpec, compressionCodings, compressionName, neverCompressed } from './settings.ts';

/** What is large as text, and what browsers load as text. */
const usualTypes: readonly string[] = [
  'text/*',
  ...['application/json', 'application/javascript', 'application/xml', 'application/wasm', 'application/x-javascript'],
  ...['application/graphql', 'application/x-ndjson', 'application/vnd.ms-fontobject', '*+json', '*+xml'],
  ...['font/ttf', 'font/otf', 'image/bmp', 'image/x-icon', 'image/vnd.microsoft.icon'],
];

const absent = {
  compress: declare('false', 'It takes processor time of the gateway, and applications may compress by themselves.'),
  codings: declare('[zstd, br, gzip]', 'The best that the client accepts; all browsers accept gzip.'),
  types: declare(
    `[${usualTypes.map((type) => (type.startsWith('*') ? `"${type}"` : type)).join(', ')}]`,
    'Images, videos and archives are compressed already.',
  ),
  minSize: declare('1KiB', 'What fits into one packet arrives no sooner when it is smaller.'),
  gzip: declare('4', 'Higher levels take twice the time for a few percent.'),
  br: declare('4', 'Higher levels take twice the time for a few percent.'),
  zstd: declare('3', 'As fast as gzip at its lowest level, and smaller.'),
};

const settings = section({
  codings: key(
    oneOrMany(z.enum(compressionCodings)),
    'The codings that are used. Of those that a client likes equally, the first.',
    absent.codings,
  ),
  types: key(
    oneOrMany(parsed(parseTypePattern, { kind: 'media type', examples: ['text/*', 'application/json'] })),
    'Media types that are compressed; one `*` stands for any text. Event streams and gRPC never are.',
    absent.types,
  ),
  min_size: key(size, 'Smaller bodies are sent as they are, where their length is known beforehand.', absent.minSize),
  levels: key(
    section({
      gzip: key(whole(1, 9), 'From 1 (fast) to 9 (small).', absent.gzip),
      br: key(whole(0, 11), 'From 0 (fast) to 11 (small).', absent.br),
      zstd: key(whole(1, 19), 'From 1 (fast) to 19 (small).', absent.zstd),
    }),
    'How much time is spent for smaller bodies.',
  ),
});

const compress = z.union([z.boolean(), settings]);

/** Of a route. */
const routeKeys = {
  compress: key(
    compress,
    'Compresses responses for clients that accept it, if it differs from the file: `true`, `false`, or how.',
  ),
};

/** Of the file. */
const fileKeys = {
  compress: key(
    compress,
    'Compresses responses of all routes that do not say otherwise, for clients that accept it: `true`, or how.',
    absent.compress,
  ),
};

type CompressRead = z.output<typeof compress>;
type RouteRead = z.output<z.ZodObject<typeof routeKeys>>;
type FileRead = z.output<z.ZodObject<typeof fileKeys>>;

export const compression: FeatureKeys = featureKeys<RouteRead, object, FileRead>({
  name: compressionName,
  routeKeys,
  fileKeys,
  forms: {
    compress: { example: '{ min_size: 1KiB }', off: 'write false', on: 'write true', stands: ['codings', 'min_size'] },
  },
  ofRoute: ({ compress: ofRoute }, { compress: ofFile }) => specOf(laidOver(ofRoute, ofFile)),
  review({ routes, file }, findings) {
    reviewOne(file.read.compress, ['compress'], findings);
    for (const { path, read } of routes) reviewOne(read.compress, [...path, 'compress'], findings);
  },
});

/** Null: nothing is compressed. */
function specOf(read: Exclude<CompressRead, boolean> | null): CompressionSpec | null {
  if (read === null) return null;
  const { gzip = 4, br = 4, zstd = 3 } = read.levels ?? {};
  return {
    codings: read.codings ?? compressionCodings,
    types: read.types ?? usualTypes,
    minBytes: bytes(read.min_size, absent.minSize),
    levels: { gzip, br, zstd },
  };
}

const compressedAlready =
  /^(?:image\/(?:png|jpeg|gif|webp|avif)|video\/.*|audio\/.*|font\/woff2?|application\/(?:zip|gzip|zstd|pdf|x-7z-compressed))$/;

function reviewOne(read: CompressRead | undefined, path: Path, findings: Findings): void {
  const { types = [], codings, levels = {} } = typeof read === 'object' ? read : {};
  for (const type of types) {
    if (neverCompressed.test(type))
      findings.warnAtValue(
        [...path, 'types'],
        `${quoted(type)} is never compressed: each write must arrive as it is`,
        'remove it',
      );
    else if (compressedAlready.test(type))
      findings.warnAtValue(
        [...path, 'types'],
        `${quoted(type)} is compressed already: it takes time and becomes no smaller`,
        'remove it',
      );
  }
  for (const coding of compressionCodings)
    if (levels[coding] !== undefined && codings?.includes(coding) === false)
      findings.warnAtKey(
        [...path, 'levels', coding],
        `"codings" does not have ${coding}, so that its level has no effect`,
        `add ${coding} to "codings", or remove the level`,
      );
}

/** A media type, or a pattern with one `*`. */
function parseTypePattern(text: string): Result<string, ErrorDetail> {
  const type = text.toLowerCase();
  if (/^[\w!#$&^.+/-]*\*?[\w!#$&^.+/-]*$/.test(type) && /^(?:[^/]+\/[^/]+|\*[^/]*)$/.test(type)) return succeed(type);
  return reject(
    `${quoted(text)} is not a media type`,
    'write one such as application/json, or with one "*" such as text/*',
  );
}
