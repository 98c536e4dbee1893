import type { Http2LimitName } from '../../src/core/http2-limit.ts';
import { literals } from '../../src/wire/h2/hpack.test-support.ts';
import {
  data,
  flags,
  frame,
  headersFrame,
  ping,
  requestHeaders,
  reset,
  setting,
  settings,
  types,
  windowUpdate,
  word,
} from './frames.ts';

/** A client that wastes the gateway's time on one connection. */
export interface Flood<Limit extends Http2LimitName | null = Http2LimitName> {
  readonly name: string;
  /** The limit that ends it. */
  readonly limit: Limit;
  /** Sent once, behind the preface and SETTINGS. */
  readonly begin?: readonly Buffer[];
  /** Sent again and again; `turn` counts from 0. */
  readonly goOn: (turn: number) => Buffer;
}

/** The routes that floods ask for: one that answers at once, one that never does, one with a large response. */
export const floodPaths = { quick: '/', hanging: '/hang', large: '/large' } as const;

const { endHeaders, endStream, padded } = flags;
const hanging = requestHeaders({ ':path': floodPaths.hanging });
const posting = requestHeaders({ ':method': 'POST', ':path': floodPaths.hanging });
const large = requestHeaders({ ':path': floodPaths.large });
const block = literals(...requestHeaders());

/** The streams 1, 3, 5, … */
function streamOf(turn: number): number {
  return 2 * turn + 1;
}

export const floods: readonly Flood[] = [
  {
    name: 'rapid reset (CVE-2023-44487)',
    limit: 'resets',
    goOn: (turn) => Buffer.concat([headersFrame(streamOf(turn), hanging), reset(streamOf(turn), 'CANCEL')]),
  },
  {
    name: 'made you reset by WINDOW_UPDATE (CVE-2025-8671)',
    limit: 'errors',
    goOn: (turn) => Buffer.concat([headersFrame(streamOf(turn), hanging), windowUpdate(streamOf(turn), 0)]),
  },
  {
    name: 'made you reset by DATA behind the end (CVE-2025-8671)',
    limit: 'errors',
    goOn: (turn) => Buffer.concat([headersFrame(streamOf(turn), hanging), data(streamOf(turn), 'x')]),
  },
  {
    name: 'made you reset by a window that is too large (CVE-2025-8671)',
    limit: 'errors',
    goOn: (turn) => Buffer.concat([headersFrame(streamOf(turn), hanging), windowUpdate(streamOf(turn), 2 ** 31 - 1)]),
  },
  {
    name: 'streams above the limit',
    limit: 'errors',
    begin: Array.from({ length: 128 }, (_, turn) => headersFrame(streamOf(turn), hanging)),
    goOn: (turn) => headersFrame(streamOf(turn + 128), hanging),
  },
  {
    name: 'CONTINUATION of a byte (CVE-2024-27316)',
    limit: 'continuations',
    begin: [frame(types.headers, endStream, 1, block)],
    goOn: () => frame(types.continuation, 0, 1, '\0'),
  },
  {
    name: 'CONTINUATION of no bytes',
    limit: 'continuations',
    begin: [frame(types.headers, endStream, 1)],
    goOn: () => frame(types.continuation, 0, 1),
  },
  {
    name: 'a header section without an end',
    limit: 'header_block',
    begin: [frame(types.headers, endStream, 1)],
    goOn: () => frame(types.continuation, 0, 1, Buffer.alloc(16_384)),
  },
  { name: 'SETTINGS (CVE-2019-9515)', limit: 'settings', goOn: () => settings(setting(4, 65_535)) },
  { name: 'PING (CVE-2019-9512)', limit: 'pings', goOn: () => ping() },
  {
    name: 'PRIORITY (CVE-2019-9513)',
    limit: 'priorities',
    goOn: (turn) => frame(types.priority, 0, streamOf(turn % 100), Buffer.concat([word(2), Buffer.of(1)])),
  },
  {
    name: 'PRIORITY_UPDATE',
    limit: 'priorities',
    goOn: (turn) => frame(types.priorityUpdate, 0, 0, Buffer.concat([word(streamOf(turn % 100)), Buffer.from('u=1')])),
  },
  {
    name: 'DATA of no bytes (CVE-2019-9518)',
    limit: 'empty_frames',
    begin: [headersFrame(1, posting, false)],
    goOn: () => data(1, ''),
  },
  {
    name: 'DATA of padding alone',
    limit: 'empty_frames',
    begin: [headersFrame(1, posting, false)],
    goOn: () => frame(types.data, padded, 1, '\0'),
  },
  { name: 'WINDOW_UPDATE', limit: 'window_updates', goOn: () => windowUpdate(0, 1) },
  {
    name: 'windows of a byte (CVE-2019-9511)',
    limit: 'window_updates',
    begin: [settings(setting(4, 0)), ...Array.from({ length: 100 }, (_, turn) => headersFrame(streamOf(turn), large))],
    goOn: (turn) => windowUpdate(streamOf(turn % 100), 1),
  },
  { name: 'frames of an unknown type', limit: 'ignored_frames', goOn: () => frame(0xbe, 0, 1, 'x') },
  {
    name: 'acknowledgements of SETTINGS that nobody sent',
    limit: 'ignored_frames',
    goOn: () => frame(types.settings, flags.ack, 0),
  },
  {
    name: 'acknowledgements of PING that nobody sent',
    limit: 'ignored_frames',
    goOn: () => frame(types.ping, flags.ack, 0, 'pingpong'),
  },
  {
    name: 'header sections that are small on the wire (HPACK bomb, CVE-2016-6581)',
    limit: 'hpack_bombs',
    goOn: (turn) => (turn % 20 === 0 ? hpackBomb(streamOf(turn / 20)) : Buffer.alloc(0)),
  },
  {
    name: 'trailers that are malformed',
    limit: 'errors',
    goOn: (turn) =>
      Buffer.concat([
        headersFrame(streamOf(turn), posting, false),
        frame(types.headers, endHeaders | endStream, streamOf(turn), literals([':path', '/'])),
      ]),
  },
];

/** Clients that waste the gateway's time without a frame too many: the limits of time and memory hold them. */
export const steadyFloods: readonly Flood<null>[] = [
  {
    name: 'bodies byte by byte on 100 streams',
    limit: null,
    begin: Array.from({ length: 100 }, (_, turn) => headersFrame(streamOf(turn), posting, false)),
    goOn: (turn) => data(streamOf(turn % 100), 'x'),
  },
  {
    name: 'windows of 0 for 100 large responses',
    limit: null,
    begin: [settings(setting(4, 0)), ...Array.from({ length: 100 }, (_, turn) => headersFrame(streamOf(turn), large))],
    goOn: () => Buffer.alloc(0),
  },
];

/** A block of 60 KiB that names an entry of 4,000 bytes 60,000 times: 240 MB of headers (an HPACK bomb). */
export function hpackBomb(streamId: number): Buffer {
  const entry = Buffer.concat([Buffer.of(0x40, 1, 97, 0x7f, 0xa1, 0x1e), Buffer.alloc(4000, 'a')]);
  const first = Buffer.concat([literals(...requestHeaders()), entry, Buffer.alloc(12_000, 0xbe)]);
  const more = Buffer.alloc(16_000, 0xbe);
  return Buffer.concat([
    frame(types.headers, endStream, streamId, first.subarray(0, 16_384)),
    frame(types.continuation, 0, streamId, more),
    frame(types.continuation, 0, streamId, more),
    frame(types.continuation, endHeaders, streamId, more),
  ]);
}
