import type { Random } from '../core/random.ts';
import { failWith, type Result, succeed } from '#failures/result.ts';
import { after, type Clock } from '../core/time.ts';
import { parseJson, readProblem } from './acme-documents.ts';
import {
  type AcmeFailure,
  type AcmeStep,
  failureOfProblem,
  failureOfTransport,
  malformed,
  retryAfterMsOf,
  timedOut,
} from './acme-failure.ts';
import type { AcmeRequest, AcmeResponse, AcmeTransport } from './acme-transport.ts';
import type { AccountSigner } from './jws.ts';

export interface AcmePorts {
  readonly transport: AcmeTransport;
  readonly clock: Clock;
  readonly random: Random;
}

/** A response of the CA's, its body parsed. */
export interface AcmeReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Undefined: the body is no JSON. */
  readonly json: unknown;
  readonly retryAfterMs: number | null;
}

/** A CA that accepts a connection and then says nothing must not hold up the names of other CAs. */
const responseMsMax = 30_000;
/** A CA may reject a nonce at any time (RFC 8555 §6.5); one that rejects so many in a row does not work. */
const noncesMax = 8;
/** Requests are sent one after the other: only the newest are used. */
const noncesKept = 4;

/** Signed requests to one CA: nonces, repetitions, time limits. */
export class AcmeSession {
  readonly #ports: AcmePorts;
  readonly #signer: AccountSigner;
  #nonces: string[] = [];
  /** Where new nonces are got; set as soon as the directory is known. */
  nonceUrl: string | null = null;
  /** The CA's clock minus this machine's at the last response, in milliseconds; null: not known. */
  clockDifferenceMs: number | null = null;

  constructor(ports: AcmePorts, signer: AccountSigner) {
    this.#ports = ports;
    this.#signer = signer;
  }

  /** A request without a signature, for the directory and for renewal information. */
  async get(step: AcmeStep, url: string): Promise<Result<AcmeReply, AcmeFailure>> {
    const sent = await this.#send(step, { method: 'GET', url, headers: { accept: 'application/json' }, body: null });
    return sent.ok ? this.#judge(step, url, sent.value) : sent;
  }

  /** `account`: its URL; null: the request is signed with the key itself. `payload` null: POST-as-GET. */
  async post(
    step: AcmeStep,
    url: string,
    account: string | null,
    payload: unknown,
    accept = 'application/json',
  ): Promise<Result<AcmeReply, AcmeFailure>> {
    for (let tries = 1; ; tries++) {
      const nonce = await this.#nextNonce();
      if (!nonce.ok) return nonce;
      const identity = account === null ? { jwk: this.#signer.jwk } : { kid: account };
      const body = JSON.stringify(this.#signer.sign({ ...identity, nonce: nonce.value, url }, payload));
      const headers = { 'content-type': 'application/jose+json', accept };
      const sent = await this.#send(step, { method: 'POST', url, headers, body });
      if (!sent.ok) return sent;
      const judged = this.#judge(step, url, sent.value);
      if (judged.ok || judged.failure.kind !== 'bad_nonce' || tries === noncesMax) return judged;
      // Those that are older than the rejected one will be rejected as well.
      this.#nonces = this.#nonces.slice(-1);
    }
  }

  wait(durationMs: number): Promise<void> {
    const { clock } = this.#ports;
    return new Promise((resolve) => clock.schedule(after(clock.now(), durationMs), resolve, undefined));
  }

  async #nextNonce(): Promise<Result<string, AcmeFailure>> {
    const kept = this.#nonces.pop();
    if (kept !== undefined) return succeed(kept);
    const url = this.nonceUrl ?? '';
    const sent = await this.#send('nonce', { method: 'HEAD', url, headers: {}, body: null });
    if (!sent.ok) return sent;
    const judged = this.#judge('nonce', url, sent.value);
    if (!judged.ok) return judged;
    const nonce = this.#nonces.pop();
    return nonce === undefined ? failWith(malformed('nonce', url, 'no nonce', sent.value.status)) : succeed(nonce);
  }

  async #send(step: AcmeStep, request: AcmeRequest): Promise<Result<AcmeResponse, AcmeFailure>> {
    const { clock, transport } = this.#ports;
    const abort = new AbortController();
    const late = Promise.withResolvers<null>();
    const timer = clock.schedule(after(clock.now(), responseMsMax), late.resolve, null);
    const headers = { 'user-agent': 'candor', ...request.headers };
    const sent = await Promise.race([transport.send({ ...request, headers }, abort.signal), late.promise]);
    timer.cancel();
    if (sent === null) {
      abort.abort();
      return failWith(failureOfTransport(step, request.url, { reason: 'timeout', code: '' }));
    }
    if (!sent.ok) return failWith(failureOfTransport(step, request.url, sent.failure));
    this.#note(sent.value);
    return sent;
  }

  #note({ headers }: AcmeResponse): void {
    const nonce = headers['replay-nonce'];
    if (nonce !== undefined && /^[\w-]+$/.test(nonce)) this.#nonces = [...this.#nonces, nonce].slice(-noncesKept);
    const date = Date.parse(headers['date'] ?? '');
    if (!Number.isNaN(date)) this.clockDifferenceMs = date - this.#ports.clock.wallTime();
  }

  #judge(step: AcmeStep, url: string, { status, headers, body }: AcmeResponse): Result<AcmeReply, AcmeFailure> {
    const json = parseJson(body);
    const retryAfterMs = retryAfterMsOf(headers['retry-after'], this.#ports.clock.wallTime());
    if (status >= 200 && status < 300) return succeed({ status, headers, body, json, retryAfterMs });
    const problem = readProblem(json);
    if (problem === null && status < 500 && status !== 429) {
      return failWith(malformed(step, url, `status ${status} without a problem document`, status));
    }
    return failWith(failureOfProblem(step, url, { status }, problem, retryAfterMs));
  }

  /**
   * Asks again and again until `isDone`, as often as the CA's Retry-After says, otherwise ever more rarely. `read` null: the
   * document is not what was asked for.
   */
  async poll<T>(
    step: AcmeStep,
    url: string,
    account: string,
    read: (json: unknown) => T | null,
    isDone: (document: T) => boolean,
  ): Promise<Result<T, AcmeFailure>> {
    const { clock } = this.#ports;
    const end = after(clock.now(), pollMsMax);
    for (let pauseMs = pollMsMin; ; pauseMs = Math.min(pauseMs * 2, pollPauseMsMax)) {
      const reply = await this.post(step, url, account, null);
      if (!reply.ok) return reply;
      const document = read(reply.value.json);
      if (document === null)
        return failWith(malformed(step, url, 'something else than was asked for', reply.value.status));
      if (isDone(document)) return succeed(document);
      const nextMs = Math.min(reply.value.retryAfterMs ?? pauseMs, pollRetryAfterMsMax);
      if (clock.now() + nextMs > end) return failWith(timedOut(step, url, `the CA did not finish the ${step} in time`));
      await this.wait(Math.max(nextMs, pollMsMin));
    }
  }
}

/** CAs finish in seconds; Let's Encrypt's clients give up after minutes. */
const pollMsMax = 180_000;
const pollMsMin = 250;
const pollPauseMsMax = 8000;
const pollRetryAfterMsMax = 60_000;
