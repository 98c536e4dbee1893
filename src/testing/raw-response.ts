/** A response, parsed as far as tests need. Lenient where that makes no difference, but it never guesses. */
export interface RawResponse {
  /** Statuses of 1xx responses before it. */
  readonly interim: readonly number[];
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  /** As sent, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The body without framing. */
  readonly body: Buffer;
  readonly framing: 'none' | 'length' | 'chunked' | 'until-close';
  /** Whether the message reached its end (RFC 9112 §8). */
  readonly complete: boolean;
  /** Bytes after a complete message. */
  readonly rest: Buffer;
}

/**
 * Parses the first final response in `bytes`. Null while its head is incomplete, or if it is not HTTP/1. `method` decides
 * whether a body follows; `ended` whether a body that lasts until the close is complete.
 */
export function parseRawResponse(bytes: Buffer, method: string, ended: 'no' | 'fin' | 'reset'): RawResponse | null {
  const interim: number[] = [];
  for (let from = 0; ; ) {
    const end = bytes.indexOf('\r\n\r\n', from);
    if (end === -1) return null;
    const head = parseHead(bytes.toString('latin1', from, end));
    if (head === null) return null;
    from = end + 4;
    if (head.status >= 200 || head.status === 101)
      return { ...head, interim, ...readBody(bytes.subarray(from), head, method, ended) };
    interim.push(head.status);
  }
}

/** All values of a header, joined by ", "; null without one. */
export function headerOf(response: RawResponse, name: string): string | null {
  const values = response.headers.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  return values.length === 0 ? null : values.join(', ');
}

type Head = Pick<RawResponse, 'version' | 'status' | 'reason' | 'headers'>;
type MessageBody = Pick<RawResponse, 'body' | 'framing' | 'complete' | 'rest'>;

function parseHead(text: string): Head | null {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const [, version, status, reason = ''] = /^(HTTP\/[0-9]\.[0-9]) ([0-9]{3})(?: (.*))?$/.exec(statusLine) ?? [];
  if (version === undefined) return null;
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { version, status: Number(status), reason, headers };
}

function readBody(bytes: Buffer, head: Head, method: string, ended: 'no' | 'fin' | 'reset'): MessageBody {
  const header = (name: string): string | undefined => head.headers.find(([n]) => n.toLowerCase() === name)?.[1];
  if (method === 'HEAD' || head.status < 200 || head.status === 204 || head.status === 304) {
    return { body: nothing, framing: 'none', complete: true, rest: bytes };
  }
  if (/chunked/i.test(header('transfer-encoding') ?? '')) return readChunks(bytes);
  const length = header('content-length');
  if (length === undefined) return { body: bytes, framing: 'until-close', complete: ended === 'fin', rest: nothing };
  const body = bytes.subarray(0, Number(length));
  return {
    body,
    framing: 'length',
    complete: body.length === Number(length),
    rest: bytes.subarray(body.length),
  };
}

function readChunks(bytes: Buffer): MessageBody {
  const parts: Buffer[] = [];
  const cut = (): MessageBody => ({ body: Buffer.concat(parts), framing: 'chunked', complete: false, rest: nothing });
  for (let from = 0; ; ) {
    const lineEnd = bytes.indexOf('\r\n', from);
    if (lineEnd === -1) return cut();
    const size = Number.parseInt(bytes.toString('latin1', from, lineEnd), 16);
    if (!(size >= 0)) return cut();
    from = lineEnd + 2;
    if (size === 0) return readTrailers(bytes, from, parts) ?? cut();
    parts.push(bytes.subarray(from, from + size));
    if (bytes.length < from + size + 2) return cut();
    from += size + 2;
  }
}

/** Trailer lines up to the empty line; null if that has not come. */
function readTrailers(bytes: Buffer, start: number, parts: Buffer[]): MessageBody | null {
  for (let from = start; ; ) {
    const end = bytes.indexOf('\r\n', from);
    if (end === -1) return null;
    const empty = end === from;
    from = end + 2;
    if (empty) return { body: Buffer.concat(parts), framing: 'chunked', complete: true, rest: bytes.subarray(from) };
  }
}

const nothing = Buffer.alloc(0);
