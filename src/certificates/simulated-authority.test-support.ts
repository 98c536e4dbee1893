import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { ChallengeKind } from '../core/listener-spec.ts';
import type { EventKind, NewEvent } from '../core/event.ts';
import { failWith, type Result, succeed } from '#failures/result.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import type { AcmeRequest, AcmeResponse, AcmeTransport, TransportFailure } from './acme-documents.ts';
import type { ChallengeResponder, PreparedChallenge } from './challenges.ts';
import { bitString, integer, objectIdentifier, octetString, readValues, sequence, tagged, time } from './der.ts';
import { ecdsaWithSha256, extension, nameWith, pem, subjectAltName } from './x509-certificate.ts';

/** A response instead of the CA's own; a code of the system; or none ever. Null: the CA's own. */
type Fault = Partial<AcmeResponse> | { readonly failure: TransportFailure } | 'hang' | null;

export const problem = (type: string, status = 400, headers: Record<string, string> = {}): AcmeResponse => ({
  status,
  headers,
  body: JSON.stringify({ type: `urn:ietf:params:acme:error:${type}`, detail: `it is ${type}` }),
});

const dayMs = 86_400_000;

/** A CA in this process, in simulated time. It believes every challenge at once. */
export class SimulatedAuthority implements AcmeTransport {
  readonly directoryUrl: string;
  /** The paths of the requests, without the first '/'. */
  readonly requests: string[] = [];
  readonly payloads: unknown[] = [];
  lifetimeMs = 90 * dayMs;
  clockDifferenceMs = 0;
  /** Null: it gives no renewal information. */
  window: { start: number; end: number } | null = null;
  kinds: readonly string[] = ['http-01', 'tls-alpn-01', 'dns-01'];
  /** Other names than the ordered ones. */
  issuedNames: readonly string[] | null = null;
  orderStatusAtEnd = 'valid';
  authorizationStatusAtEnd = 'valid';
  fault: (path: string, request: AcmeRequest) => Fault = () => null;
  readonly #clock: SimulatedClock;
  readonly #key: KeyObject = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  readonly #base: string;
  #nonces = 0;
  #names: readonly string[] = [];
  #isFinal = false;
  #isAuthorized = false;
  #chain = '';
  #serial = 0;

  constructor(clock: SimulatedClock, host = 'ca.test') {
    this.#clock = clock;
    this.#base = `https://${host}`;
    this.directoryUrl = `${this.#base}/directory`;
  }

  count(path: string): number {
    return this.requests.filter((one) => one === path).length;
  }

  async send(request: AcmeRequest): Promise<Result<AcmeResponse, TransportFailure>> {
    const path = new URL(request.url).pathname.slice(1).split('/')[0] as string;
    this.requests.push(path);
    const fault = this.fault(path, request);
    if (fault === 'hang') return new Promise(() => {});
    if (fault !== null && 'failure' in fault) return failWith(fault.failure);
    const own = { status: 200, headers: {}, body: '' };
    const response = fault === null ? this.#answer(path, request) : { ...own, ...fault };
    const date = new Date(this.#clock.wallTime() + this.clockDifferenceMs).toUTCString();
    // As Let's Encrypt's: the directory comes without a nonce.
    const nonce: Record<string, string> = path === 'directory' ? {} : { 'replay-nonce': `n${++this.#nonces}` };
    return succeed({ ...response, headers: { ...nonce, date, ...response.headers } });
  }

  #answer(path: string, { body }: AcmeRequest): AcmeResponse {
    const encoded = body === null ? '' : (JSON.parse(body) as { payload: string }).payload;
    const payload = encoded === '' ? null : JSON.parse(Buffer.from(encoded, 'base64url').toString());
    if (payload !== null) this.payloads.push(payload);
    const at = (name: string) => `${this.#base}/${name}`;
    switch (path) {
      case 'directory': {
        const names = ['newNonce', 'newAccount', 'newOrder'];
        const urls = names.map((name) => [name, at(name)]);
        return json({ ...Object.fromEntries(urls), ...(this.window && { renewalInfo: at('renewalInfo') }) });
      }
      case 'newAccount':
        return json({ status: 'valid' }, { location: at('account') });
      case 'newOrder':
        this.#names = payload.identifiers.map(({ value }: { value: string }) => value);
        [this.#isFinal, this.#isAuthorized] = [false, false];
        return json(this.#order(), { location: at('order') });
      case 'challenge':
        this.#isAuthorized = true;
        return json({});
      case 'authorization':
        return json(this.#authorization(at('challenge')));
      case 'finalize':
        this.#isFinal = true;
        this.#chain = this.#issue(Buffer.from(payload.csr, 'base64url'));
        return json(this.#order());
      case 'order':
        return json(this.#order());
      case 'certificate':
        return { status: 200, headers: {}, body: this.#chain };
      case 'renewalInfo': {
        const { start, end } = this.window ?? { start: 0, end: 0 };
        const window = { start: new Date(start).toISOString(), end: new Date(end).toISOString() };
        return json({ suggestedWindow: window }, { 'retry-after': '3600' });
      }
      default:
        return { status: 200, headers: {}, body: '' };
    }
  }

  #order(): unknown {
    const status = this.#isFinal ? this.orderStatusAtEnd : this.#isAuthorized ? 'ready' : 'pending';
    const error = status === 'invalid' ? { error: { type: 'about:blank', detail: 'the database is gone' } } : {};
    const [authorizations, finalize] = [[`${this.#base}/authorization`], `${this.#base}/finalize`];
    return { status, authorizations, finalize, certificate: `${this.#base}/certificate`, ...error };
  }

  #authorization(url: string): unknown {
    const status = this.#isAuthorized ? this.authorizationStatusAtEnd : 'pending';
    const error = { type: 'urn:ietf:params:acme:error:connection', detail: 'Connection refused' };
    const challenges = this.kinds.map((type) => ({
      type,
      url,
      token: 'token',
      status,
      ...(status === 'invalid' && { error }),
    }));
    return { status, identifier: { type: 'dns', value: this.#names[0]?.replace('*.', '') }, challenges };
  }

  #issue(csr: Buffer): string {
    const [info] = readValues(readValues(csr)[0]?.content);
    const publicKey = readValues(info?.content)[2];
    const now = this.#clock.wallTime();
    const keyId = createHash('sha1').update(this.#base).digest();
    const toBeSigned = sequence(
      tagged(0xa0, integer(2)),
      integer(Buffer.from([1, ++this.#serial])),
      ecdsaWithSha256,
      nameWith('Simulated CA'),
      sequence(time(now), time(now + this.lifetimeMs)),
      nameWith(''),
      tagged(0x30, publicKey?.content ?? Buffer.alloc(0)),
      tagged(
        0xa3,
        sequence(
          subjectAltName(this.issuedNames ?? this.#names),
          extension('2.5.29.35', sequence(tagged(0x80, keyId))),
          extension('2.5.29.37', sequence(objectIdentifier('1.3.6.1.5.5.7.3.1'))),
          extension('2.5.29.14', octetString(keyId)),
        ),
      ),
    );
    const signature = sign('sha256', toBeSigned, this.#key);
    return pem('CERTIFICATE', sequence(toBeSigned, ecdsaWithSha256, bitString(signature)));
  }
}

function json(value: unknown, headers: Record<string, string> = {}): AcmeResponse {
  return { status: 200, headers, body: JSON.stringify(value) };
}

/** Sends each request to the CA of its host. */
export function transportTo(...authorities: readonly SimulatedAuthority[]): AcmeTransport {
  return {
    send(request) {
      const { host } = new URL(request.url);
      const authority = authorities.find(({ directoryUrl }) => new URL(directoryUrl).host === host);
      return authority?.send(request) ?? Promise.resolve(failWith({ reason: 'name_not_found', code: 'ENOTFOUND' }));
    },
  };
}

export class NotingResponder implements ChallengeResponder {
  kinds: readonly ChallengeKind[] = ['http-01', 'tls-alpn-01'];
  readonly presented: PreparedChallenge[] = [];
  readonly cleaned: PreparedChallenge[] = [];
  problem: string | null = null;
  /** What it has seen of each challenge. */
  seen: string | null = null;

  async present(challenge: PreparedChallenge): Promise<Result<string | null, string>> {
    this.presented.push(challenge);
    return this.problem === null ? succeed(this.seen) : failWith(this.problem);
  }

  async cleanUp(challenge: PreparedChallenge): Promise<void> {
    this.cleaned.push(challenge);
  }
}

/** Time passes, and everything that is due happens, whatever it awaits. */
export async function pass(clock: SimulatedClock, durationMs: number): Promise<void> {
  const end = clock.now() + durationMs;
  await drain();
  for (let due = clock.nextDueAt; due !== null && due <= end; due = clock.nextDueAt) {
    await clock.advance(Math.max(0, due - clock.now()));
    await drain();
  }
  await clock.advance(end - clock.now());
  await drain();
}

function drain(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class EventLog {
  readonly events: NewEvent[] = [];

  emit<K extends EventKind>(event: NewEvent<K>): void {
    this.events.push(event as NewEvent);
  }

  of<K extends EventKind>(kind: K): NewEvent<K>[] {
    return this.events.filter((event): event is NewEvent<K> & NewEvent => event.kind === kind);
  }
}

export function simulatedWorld(epochMs?: number): {
  clock: SimulatedClock;
  random: SeededRandom;
  authority: SimulatedAuthority;
} {
  const clock = new SimulatedClock(epochMs);
  return { clock, random: new SeededRandom('certificates'), authority: new SimulatedAuthority(clock) };
}
