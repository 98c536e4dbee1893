import { type BodyFeature, fileSizes, kib, markedBody } from './marked-bodies.ts';

const range = { range: 'bytes=1000-299999' };
const authentication = 'authentication: { forward: { upstream: app, path: /auth } }';

/** Everything that keeps, changes or delays bodies. */
export const bodyFeatures: readonly BodyFeature[] = [
  { name: 'a body as it comes', settings: 'to: app, buffer: none', got: 500 * kib, sent: 500 * kib },
  { name: 'a body of unknown length', settings: 'to: app', got: 300 * kib, sent: 300 * kib, chunked: true },
  { name: 'a buffer', settings: 'to: app, buffer: { request: 1MiB, response: 1MiB }', got: 600 * kib, sent: 400 * kib },
  { name: 'bandwidth', settings: 'to: app, bandwidth: { response: 400KiB/s }', got: 180 * kib },
  {
    name: 'bandwidth and a buffer',
    settings: 'to: app, bandwidth: { response: 4MiB/s }, buffer: { response: 1MiB }',
    got: 700 * kib,
  },
  ...(['gzip', 'br', 'zstd'] as const).map((coding) => ({
    ...{ name: `compression by ${coding}`, settings: 'to: app, compress: true', got: 200 * kib },
    headers: { 'accept-encoding': coding },
  })),
  ...(['gzip', 'br', 'zstd'] as const).map((coding) => ({
    ...{ name: `a request in ${coding}`, settings: 'to: app, decompress_requests: true', coding },
    ...{ got: 10, sent: 200 * kib },
  })),
  {
    name: 'replaced text',
    settings: 'to: app, replace_text: { "-": "=" }',
    got: 200 * kib,
    becomes: (body) => Buffer.from(body.toString('latin1').replaceAll('-', '=')),
  },
  {
    name: 'a retry',
    settings: 'to: app, commit_delay: 5s, retry: { statuses: [503] }',
    got: 100 * kib,
    sent: 30 * kib,
    fails: true,
  },
  { name: 'HTTP/2 to the application', settings: 'to: streams', got: 400 * kib, sent: 400 * kib },
  {
    name: 'bandwidth and HTTP/2 to the application',
    settings: 'to: streams, bandwidth: { response: 400KiB/s }',
    got: 180 * kib,
  },
  { name: 'FastCGI', settings: 'to: php', got: 300 * kib, sent: 100 * kib },
  { name: 'a file', settings: 'files: ROOT', file: 90001, got: fileSizes[90001]! },
  {
    name: 'a file with bandwidth, compressed',
    settings: 'files: { root: ROOT }, compress: true, bandwidth: { response: 4MiB/s }',
    ...{ file: 90002, got: fileSizes[90002]!, headers: { 'accept-encoding': 'gzip' } },
  },
  {
    name: 'a range of a file',
    settings: 'files: ROOT',
    ...{ file: 90001, got: fileSizes[90001]!, headers: range, status: 206 },
    becomes: () => markedBody(90001, fileSizes[90001]!).subarray(1000, 300_000),
  },
  { name: 'an answer of a login service', settings: `to: app, ${authentication}`, got: 250 * kib, status: 401 },
];
