import type { Http2LimitName } from '../../core/http2-limit.ts';
import { defaultFrameBytes, defaultWindowBytes } from './protocol.ts';

/**
 * Every limit of an HTTP/2 connection, with its reason. The event and docs/limits.md say what happens at each; the windows only
 * make the peer wait.
 */
export const h2Limits = {
  /** Streams at a time. Browsers use up to 100; nginx allows 128. */
  streamsMax: 128,
  /**
   * Frames for streams that are not open (refused streams, and what follows on them) that are no errors while the client has not acknowledged our
   * SETTINGS: until it has read them, it may open any number of streams (RFC 9113 §6.5.2). A pool of connections that comes up opens some hundred.
   */
  unopenedEarlyMax: 1000,
  /** Exchanges at a time on a connection whose address has flooded not long ago. Further requests are queued. */
  activeMaxOfFlooder: 8,
  /** CONTINUATION frames of one header block (CVE-2024-27316): a block of 64 KiB needs three. */
  continuationsMax: 8,
  /**
   * A header block before it is decoded; the limit of the decoded section is the listener's. An endpoint's block may be so much larger than its
   * section: as long as it is decoded, its stream alone ends.
   */
  headerBlockBytesMax: 4 * defaultFrameBytes,
  /** The dynamic table of the decoder: the default of RFC 7541, which all peers know before they have read our SETTINGS. */
  headerTableBytes: 4096,
  /** What the peer may send on a stream before the exchange reads its body. */
  firstWindowBytes: defaultWindowBytes,
  /** And afterwards: 20 Mbit/s at a round trip of 100 ms. */
  windowBytes: 256 * 1024,
  /** On all streams together: what one connection can make the gateway hold. */
  connectionWindowBytes: 1024 * 1024,
  /** A DATA frame that we send with fewer bytes is small, and allows the peer no more WINDOW_UPDATE (`window_updates`). */
  smallSentFrameBytes: 1024,
  /** Composed and not sent, because the peer does not read: nothing is read from it any more. */
  unreadBytesMax: 256 * 1024,
  /** What is read at once: 4 header blocks, or 16 other frames. The owner decides whether more follow in the same turn. */
  sliceCostMax: 16,
  /** What a header block costs, in other frames, besides its KiB: it may begin an exchange. */
  headersCost: 4,
  /**
   * A header section of this size that is so many times as large as its block: the encoder names entries of its table again and again
   * (an HPACK bomb). Honest sections name each once, which makes 4 KiB more than their strings, and those shrink to 5/8 at most.
   */
  bombBytesMin: 16 * 1024,
  bombFactor: 16,
  /** A DATA frame that the peer sends with fewer bytes is tiny: the smallest message of gRPC has as many. */
  tinyReceivedFrameBytes: 5,
  /** A turn of one stream, before the next one of the same urgency. */
  quantumBytes: defaultFrameBytes,
  /** Of the body of a request: most are smaller, and wait for no larger one that began before. */
  headStartBytes: 64 * 1024,
} as const;

/**
 * Frames that cost the sender nothing: `burst` at once, then `perS`. Each costs us a microsecond or less, so that what is allowed takes
 * less than a thousandth of a core.
 */
export const floodLimits = {
  /** Streams that the peer has reset before their end (CVE-2023-44487). Browsers reset some dozen when a page is left. */
  resets: { burst: 200, perS: 50 },
  settings: { burst: 20, perS: 1 },
  pings: { burst: 50, perS: 10 },
  /** PRIORITY and PRIORITY_UPDATE. */
  priorities: { burst: 500, perS: 100 },
  /** DATA without a byte and without END_STREAM (CVE-2019-9518). */
  empty_frames: { burst: 50, perS: 10 },
  /** WINDOW_UPDATE; each DATA frame that we send allows two more, unless it is as small as the peer's window made it (CVE-2019-9511). */
  window_updates: { burst: 1000, perS: 200 },
  /** Streams that the peer has made us reset (CVE-2025-8671), and frames for streams that have ended. */
  errors: { burst: 50, perS: 10 },
  /** Frames of unknown types (RFC 9113 §5.5), and acknowledgements of SETTINGS and PING that we have not sent. */
  ignored_frames: { burst: 100, perS: 10 },
  /** Header sections that are many times as large as their blocks (CVE-2016-6581): no honest encoder makes one. */
  hpack_bombs: { burst: 10, perS: 1 },
} as const satisfies Partial<Record<Http2LimitName, { readonly burst: number; readonly perS: number }>>;

export type FloodName = keyof typeof floodLimits;

/**
 * What costs more than an ordinary frame, and does not end the connection: beyond half of `burst` at once, then `perS`, the connection is
 * strained, and so is read less often.
 */
export const strainLimits = {
  /** Requests that are refused as they are read: each has an answer and a record that say why, which cost some 0.2 ms. */
  refusals: { burst: 40, perS: 40 },
  /** DATA frames of less than 5 bytes: each is written to an endpoint. An honest client that writes byte by byte is slowed down, too. */
  tiny_frames: { burst: 2000, perS: 500 },
} as const;

export type StrainName = keyof typeof strainLimits;
