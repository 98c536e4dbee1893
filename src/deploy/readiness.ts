import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { after, type Clock } from '../core/time.ts';
import { harmless } from './output-lines.ts';
import { TextRedactor } from '../core/redact/text-redactor.ts';

const redactor = new TextRedactor();

/** One question to an instance: does it answer? */
export interface ReadinessCheck {
  readonly port: number;
  readonly path: string;
  /** For the whole answer. */
  readonly timeoutMs: number;
}

/** What came back. */
export type ReadinessResult =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly location: string | null;
      readonly firstBytes: string;
    }
  | { readonly kind: 'refused' }
  /** `status` where at least a head came. */
  | { readonly kind: 'timed_out'; readonly limitMs: number; readonly status: number | null }
  /** The connection was made, and ended without an answer. */
  | { readonly kind: 'closed'; readonly errno: string }
  | { readonly kind: 'not_http'; readonly firstBytes: string };

/** Only 2xx in time is readiness: a redirect leads to a page that nobody has checked, and silence is no answer. */
export function hasPassed(observation: ReadinessResult): boolean {
  return observation.kind === 'answered' && observation.status >= 200 && observation.status <= 299;
}

/** The path that is asked where the configuration names none: a page of the application, which may fail as any other. */
export const defaultReadinessPath = '/';

/**
 * Whether an instance that has been ready goes on being so. At a readiness path of its own an application takes itself out
 * by another status than 2xx. A first page that answers 500 or 404 is an answer for its clients, who would get a 503 of the
 * gateway in its place.
 */
export function keepsReady(observation: ReadinessResult, path: string): boolean {
  return hasPassed(observation) || (path === defaultReadinessPath && observation.kind === 'answered');
}

/** What was asked, and what came back. */
export function readinessResultText(
  observation: ReadinessResult,
  check: Pick<ReadinessCheck, 'path' | 'port'>,
): string {
  const asked = `GET ${check.path} on port ${check.port}`;
  switch (observation.kind) {
    case 'answered':
      return `${asked} answered ${answerText(observation)}`;
    case 'refused':
      return `${asked}: connection refused, nothing listens there yet`;
    case 'timed_out':
      return observation.status === null
        ? `${asked}: no answer within ${observation.limitMs} ms`
        : `${asked} answered ${observation.status}, but not completely within ${observation.limitMs} ms`;
    case 'closed':
      return `${asked}: the connection was closed without an answer (${observation.errno})`;
    case 'not_http':
      return `${asked}: the answer is not HTTP${quoted(observation.firstBytes)}`;
  }
}

function answerText({ status, location, firstBytes }: Extract<ReadinessResult, { kind: 'answered' }>): string {
  if (status >= 300 && status <= 399 && location !== null) return `${status}, which redirects to ${location}`;
  // Of a page that is missing, locked or fine, the first words tell nothing more.
  const isPlain = status < 300 || status === 401 || status === 403 || status === 404;
  return isPlain ? String(status) : `${status}${quoted(firstBytes)}`;
}

function quoted(bytes: string): string {
  return bytes === '' ? '' : ` ("${bytes}")`;
}

/** Enough to recognise an error page or a protocol, too little to leak much. */
const firstBytesMax = 64;

/** In these secrets are looked for, so that the cut leaves no half of one. */
const searchedBytesMax = 512;

/** Longer answers are cut off: a page of this size has been served. */
const answerBytesMax = 65_536;

/** Asks once, on a connection of its own. `told` is called exactly once unless the returned function is called before. */
export function probe(
  check: ReadinessCheck,
  clock: Clock,
  onResult: (observation: ReadinessResult) => void,
): () => void {
  const asking = new ProbeRequest(check, clock, onResult);
  return () => asking.cancel();
}

class ProbeRequest {
  readonly #check: ReadinessCheck;
  readonly #onResult: (observation: ReadinessResult) => void;
  readonly #request: ClientRequest;
  readonly #timer: { cancel(): void };
  #response: IncomingMessage | null = null;
  #first: Buffer = Buffer.alloc(0);
  #bytes = 0;
  #over = false;

  constructor(check: ReadinessCheck, clock: Clock, onResult: (observation: ReadinessResult) => void) {
    this.#check = check;
    this.#onResult = onResult;
    this.#timer = clock.schedule(
      after(clock.now(), check.timeoutMs),
      (asking: ProbeRequest) => asking.#timedOut(),
      this as ProbeRequest,
    );
    this.#request = request({
      host: '127.0.0.1',
      port: check.port,
      path: check.path,
      agent: false,
      headers: { Host: 'localhost', 'User-Agent': 'readiness-check', Accept: '*/*', Connection: 'close' },
    });
    this.#request.on('response', (response) => this.#answered(response));
    this.#request.on('upgrade', (response) => this.#answered(response));
    this.#request.on('error', (error) => this.#failed(error));
    this.#request.end();
  }

  cancel(): void {
    this.#end();
  }

  #answered(response: IncomingMessage): void {
    this.#response = response;
    response.on('data', (chunk: Buffer) => {
      if (this.#first.length < searchedBytesMax)
        this.#first = Buffer.concat([this.#first, chunk.subarray(0, searchedBytesMax)]);
      this.#bytes += chunk.length;
      if (this.#bytes >= answerBytesMax) this.#finishAnswered(response);
    });
    response.on('end', () => this.#finishAnswered(response));
    // `error` comes before `close` where a message is cut short; the first one wins.
    response.on('error', (error) => this.#failed(error));
    response.on('close', () => this.#finish({ kind: 'closed', errno: 'ECONNRESET' }));
  }

  #finishAnswered(response: IncomingMessage): void {
    const location = response.headers.location ?? null;
    this.#finish({
      kind: 'answered',
      status: response.statusCode ?? 0,
      location: location === null ? null : harmless(redactor.redact(location).slice(0, 200)),
      firstBytes: firstText(this.#first),
    });
  }

  #failed(error: NodeJS.ErrnoException & { rawPacket?: Buffer }): void {
    const errno = error.code ?? 'EIO';
    if (errno.startsWith('HPE_'))
      this.#finish({ kind: 'not_http', firstBytes: firstText(error.rawPacket ?? this.#first) });
    else if (errno === 'ECONNREFUSED') this.#finish({ kind: 'refused' });
    else this.#finish({ kind: 'closed', errno });
  }

  #timedOut(): void {
    this.#finish({ kind: 'timed_out', limitMs: this.#check.timeoutMs, status: this.#response?.statusCode ?? null });
  }

  #finish(observation: ReadinessResult): void {
    if (this.#over) return;
    this.#end();
    this.#onResult(observation);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer.cancel();
    this.#request.destroy();
  }
}

function firstText(bytes: Buffer): string {
  // Before it is cut, since half a secret would not be known for one.
  const text = redactor
    .redact(bytes.toString('utf8', 0, searchedBytesMax))
    .replace(/\s+/g, ' ')
    .trim();
  return harmless(text.slice(0, firstBytesMax));
}
