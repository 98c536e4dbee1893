/** The numbers of RFC 9113. */

/** RFC 9113 §3.4: a client's first bytes, before its SETTINGS. */
export const clientPreface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** Length, type, flags and stream (§4.1). */
export const frameHeaderBytes = 9;

/** §6, and RFC 9218 §7.1. */
export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
  priorityUpdate: 16,
} as const;

export const frameFlags = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** §7, by number. */
export const errorNames = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
] as const;

export type ErrorName = (typeof errorNames)[number];

/** The number of an error. */
export function errorNumber(name: ErrorName): number {
  return errorNames.indexOf(name);
}

/** An error's name; its number in hexadecimal where §7 has none. */
export function errorName(code: number): string {
  return errorNames[code] ?? `0x${code.toString(16)}`;
}

/** §6.5.2, RFC 8441 §3 and RFC 9218 §2.1. */
export const settingIds = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
  enableConnectProtocol: 8,
  noRfc7540Priorities: 9,
} as const;

/** Of streams and connections, until SETTINGS or WINDOW_UPDATE change it (§6.9.2). */
export const defaultWindowBytes = 65_535;

/** §6.9.1. */
export const windowBytesMax = 2 ** 31 - 1;

/** The payload that every peer takes, and the most that it may allow (§6.5.2). */
export const defaultFrameBytes = 16_384;
export const frameBytesMax = 2 ** 24 - 1;

/** §5.1.1: the last bit of a client's streams is 1. */
export function isClientStream(streamId: number): boolean {
  return (streamId & 1) === 1;
}
