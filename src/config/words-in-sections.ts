/** What to say of words of other gateways within sections of a route or the file, where they mean something else than beside them. */
import { plainKey } from '../core/plain-key.ts';
import { type Answers, whoMayEnter } from './words-of-access.ts';
import type { Path } from '../schema/findings.ts';

const files: Answers = [
  [
    'tryfiles try spa',
    'write extensions: .html for about.html at /about, and fallback: /index.html for pages that are not there; beside "to", what is not there goes to the upstream',
  ],
  ['autoindex browse directorylisting dirlisting list', 'did you mean "listing"?'],
  ['gzipstatic brotlistatic zstdstatic static precompress', 'did you mean "precompressed"?'],
  [
    'gzip br brotli zstd compress compression encode',
    'it is "compress: true" beside "files"; "precompressed: true" sends files such as app.js.gz that are there already',
  ],
  ['expires cachecontrol maxage ttl caching', 'it is "cache", by name: cache: { "*.js": 1h, "*.html": no-cache }'],
  [
    'extension tryextensions defaultextension cleanurls prettyurls trailingslash',
    'write extensions: .html, so that about.html is found at /about',
  ],
  [
    'notfound errorpage errorpages errors page404 404',
    'it is "error_pages" beside "files", by status: error_pages: { 404: ./404.html }',
  ],
  [
    'headers header addheader responseheaders',
    'it is "response_headers" beside "files", such as { set: { X-Frame-Options: DENY } }; "headers" there is a condition',
  ],
  ['path folder dir directory alias documentroot docroot public location', 'did you mean "root"?'],
  [
    'types mimetypes mimetype defaulttype contenttype charset',
    'the ending of its name says the type of a file; a route of its own gives another one: response_headers: { set: { Content-Type: … } }',
  ],
  [
    'stripprefix prefix strippath',
    'it is "rewrite: { path: / }" beside "files", which takes away the path of the route',
  ],
  ['hide hidden dotfiles', 'names that begin with a dot are hidden, but for /.well-known'],
];

const logOfRoute: Answers = [
  [
    'path file output target format syslog level detail keep compress rotateat maxsize maxage',
    'all routes have one log, "log" at the outermost level; in a route it is off, or has "sample" and "fields"',
  ],
  ['headers header', 'it is "fields", with names of your own: fields: { agent: "{header.User-Agent}" }'],
];

const compress: Answers = [
  [
    'gzip br brotli zstd deflate',
    'write codings: [gzip] for what is used, and levels: { gzip: 4 } for how much time it takes',
  ],
  ['algorithms algorithm encodings encoding coding formats', 'did you mean "codings"?'],
  ['level complevel quality gziplevel gzipcomplevel', 'it is "levels", by coding: levels: { gzip: 6 }'],
  ['minlength minimumlength gzipminlength threshold minimumsize', 'did you mean "min_size"?'],
  ['contenttypes mimetypes gziptypes includedcontenttypes match', 'did you mean "types"?'],
];

/** By the keys that lead to a section. Those without `routes` stand at the top and in routes. */
const answersIn: Readonly<Record<string, Answers>> = {
  'routes.files': files,
  'routes.log': logOfRoute,
  compress,
  ...whoMayEnter,
};

/** `path` leads to an unknown key; null: nothing is said of it. */
export function explainInSection(path: Path): string | null {
  const section = path
    .slice(0, -1)
    .filter((part) => typeof part === 'string')
    .join('.');
  const written = plainKey(String(path.at(-1)));
  const answers = answersIn[section] ?? answersIn[section.replace(/^routes\./, '')];
  const found = answers?.find(([words]) => words.split(' ').includes(written));
  return found?.[1] ?? null;
}

/** `return` of nginx, which is one of two keys here: its value says which, and may be a secret. */
export function explainReturn(key: string, value: unknown, known: readonly string[]): string | null {
  if (plainKey(key) !== 'return' || !known.includes('redirect')) return null;
  const [, status = '', rest = ''] = /^\s*(?:([1-5]\d\d)\b)?\s*(.*)/s.exec(String(value)) ?? [];
  if (/^30[12378]$/.test(status)) return `write redirect: { location: …, status: ${status} }`;
  if (status !== '') return `write respond: { status: ${status}${rest === '' ? '' : ', body: …'} }`;
  return /^(?:\/|https?:)/.test(rest) ? 'did you mean "redirect"?' : null;
}
