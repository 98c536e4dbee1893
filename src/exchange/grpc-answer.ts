import type { Account } from './account.ts';

/** The content type of the answer to a gRPC request; null for other requests. */
export function grpcContentType(contentType: string | null): string | null {
  const mediaType = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (!mediaType.startsWith('application/grpc')) return null;
  return /^application\/grpc(?:-web(?:-text)?)?(?:\+[a-z0-9.-]{1,32})?$/.test(mediaType)
    ? mediaType
    : 'application/grpc';
}

/**
 * The headers of a trailers-only answer: gRPC has its own status, and HTTP's is always 200. The time to wait
 * is sent as server pushback, which gRPC clients respect before they retry.
 */
export function grpcHeaders(account: Account): readonly (readonly [name: string, value: string])[] {
  const message = account.forOperators?.sentence ?? `${account.title}. ${account.forClient}`;
  const headers: (readonly [string, string])[] = [
    ['Grpc-Status', String(grpcStatus(account.status))],
    ['Grpc-Message', grpcMessage(message)],
  ];
  if (account.retryAfterS !== null) headers.push(['Grpc-Retry-Pushback-Ms', String(account.retryAfterS * 1000)]);
  return headers;
}

/** From HTTP's status to gRPC's, after gRPC's own table for gateways; 504 and 429 said more exactly. */
export function grpcStatus(status: number): number {
  switch (status) {
    case 401:
      return 16; // UNAUTHENTICATED
    case 403:
      return 7; // PERMISSION_DENIED
    case 408:
    case 504:
      return 4; // DEADLINE_EXCEEDED
    case 413:
    case 429:
    case 431:
      return 8; // RESOURCE_EXHAUSTED
    case 404:
    case 501:
      return 12; // UNIMPLEMENTED
    case 502:
    case 503:
      return 14; // UNAVAILABLE
    default:
      return 13; // INTERNAL
  }
}

const utf8 = new TextEncoder();

/** gRPC's encoding of a status message: bytes outside visible ASCII, and the percent sign, become %XX. */
export function grpcMessage(message: string): string {
  let encoded = '';
  for (const byte of utf8.encode(message)) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
