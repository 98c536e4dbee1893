import type { CgiFacts } from '../core/cgi.ts';
import type { HeaderSink, Framing, OutgoingRequest } from '../core/message.ts';

/** Envoy's names, which libraries of applications know already. */
export const attemptCountName = 'X-Envoy-Attempt-Count';
export const expectedTimeoutName = 'X-Envoy-Expected-Rq-Timeout-Ms';

/** A request that tells the endpoint which attempt it is, and for how long its response is waited for. */
export class AnnouncedRequest implements OutgoingRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly target: string;
  readonly framing: Framing;
  readonly upgrade: string | null;
  readonly webSocketKey: string | null;
  readonly takesTrailers: boolean;
  readonly #request: OutgoingRequest;
  readonly #attempt: number;
  readonly #timeoutMs: number;

  /** `attempt` counts from 1. */
  constructor(request: OutgoingRequest, attempt: number, timeoutMs: number) {
    this.method = request.method;
    this.scheme = request.scheme;
    this.authority = request.authority;
    this.target = request.target;
    this.framing = request.framing;
    this.upgrade = request.upgrade;
    this.webSocketKey = request.webSocketKey ?? null;
    this.takesTrailers = request.takesTrailers;
    this.#request = request;
    this.#attempt = attempt;
    this.#timeoutMs = timeoutMs;
  }

  cgi(): CgiFacts | null {
    return this.#request.cgi?.() ?? null;
  }

  writeHeaders(sink: HeaderSink): void {
    this.#request.writeHeaders(sink);
    sink.header(attemptCountName, String(this.#attempt));
    sink.header(expectedTimeoutName, String(Math.max(1, Math.floor(this.#timeoutMs))));
  }
}
