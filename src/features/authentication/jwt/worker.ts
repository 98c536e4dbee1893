import { fail } from '#failures/failure.ts';
import type { FilterContext } from '../../../core/filter.ts';
import {
  authenticationScheme,
  type PendingDecision,
  type SchemeDecision,
  type SchemePart,
  type SchemePorts,
  settleLater,
} from '../worker-scheme.ts';
import { type SchemeCredentials, inAuthorization, inCookies, inHeader } from '../worker-scheme-credentials.ts';
import { ParsedFiles } from '../worker-parsed-files.ts';
import { jwtName, type JwtSpec } from './settings.ts';
import { claimHeaders, userOf } from './worker-claims.ts';
import { FixedKeys, type KeySource, type KnownKeys, UpstreamKeys } from './worker-key-source.ts';
import type { TokenVerdict, TokenVerifier, VerificationKeys } from './worker-verify.ts';

type Library = typeof import('./worker-verify.ts');

let library: Library | null = null;
let loading: Promise<void> | null = null;

/** Longer ones do not fit into the head of a request together with what else is there. */
const tokenLengthMax = 8192;

const absent: SchemeDecision = { kind: 'absent' };
const malformed: SchemeDecision = {
  ...{ kind: 'refused', fault: 'malformed' },
  because: `what stands in place of a token is none, or longer than ${tokenLengthMax} characters`,
};

interface JwtPart extends SchemePart {
  readonly source: KeySource;
}

export const jwt = authenticationScheme<JwtSpec, JwtPart>({
  name: jwtName,

  load() {
    if (library !== null) return null;
    loading ??= import('./worker-verify.ts').then((loaded) => void (library = loaded));
    return loading;
  },

  prepare(spec, ports) {
    if (library === null) throw new Error('the library for tokens is not loaded');
    const source = sourceOf(spec, ports, library);
    const tokens = new Tokens(spec, source, ports, library.TokenVerifier);
    return {
      source,
      asksFor: 'a token',
      credentials: credentialsOf(spec),
      challenge: spec.from.kind === 'bearer' ? `Bearer realm="${ports.realm}"` : '',
      authenticate: (exchange, pending) => tokens.authenticate(exchange, pending),
      // Before the first request needs them; not from within the activation, while the revision before is still in force.
      activate: () => void ports.clock.schedule(ports.clock.now(), prefetch, source),
      ...(source instanceof UpstreamKeys
        ? {
            condition: () => conditionOf(source),
            onState: (state: object) => source.offer(state as KnownKeys),
          }
        : {}),
    };
  },
});

function prefetch(source: KeySource): void {
  if (source.keys() === null) void source.renew();
}

function conditionOf({ known, fault }: UpstreamKeys): ReturnType<NonNullable<SchemePart['condition']>> {
  return {
    keys: known?.count ?? 0,
    fetchedWall: known?.fetchedWall ?? null,
    fault,
    state: known,
  };
}

/** Those of this worker, whichever route asks, by the clock that they are kept by. */
const sources = new WeakMap<object, ParsedFiles<UpstreamKeys>>();
const sets = new ParsedFiles<{ readonly keys: VerificationKeys }>((text) => {
  if (library === null) throw new Error('the library for tokens is not loaded');
  return { keys: library.keysOfSet(text).keys };
});

function sourceOf({ keys: from }: JwtSpec, { clock, ask }: SchemePorts, { keysOfSet }: Library): KeySource {
  if (from.kind === 'secret') return new FixedKeys(new TextEncoder().encode(from.secretText.trim()));
  if (from.kind === 'set') return new FixedKeys(sets.of(from.jwksText).keys);
  const ofClock =
    sources.get(clock) ??
    new ParsedFiles((text) => {
      const [upstream = '', target = ''] = JSON.parse(text) as string[];
      return new UpstreamKeys(upstream, target, { clock, ask }, keysOfSet);
    });
  sources.set(clock, ofClock);
  return ofClock.of(JSON.stringify([from.upstream, from.target]));
}

/** The tokens of one route in one revision. */
class Tokens {
  readonly #spec: JwtSpec;
  readonly #source: KeySource;
  readonly #ports: SchemePorts;
  readonly #Verifier: Library['TokenVerifier'];
  #verifier: TokenVerifier | null = null;

  constructor(spec: JwtSpec, source: KeySource, ports: SchemePorts, Verifier: Library['TokenVerifier']) {
    this.#spec = spec;
    this.#source = source;
    this.#ports = ports;
    this.#Verifier = Verifier;
  }

  authenticate(exchange: FilterContext, pending: PendingDecision): SchemeDecision | null {
    const token = tokenIn(exchange, this.#spec);
    if (token === null) return absent;
    if (token.length > tokenLengthMax || !/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)) return malformed;
    const known = this.#present()?.known(token) ?? null;
    if (known !== null) return this.#decide(known);
    settleLater(
      pending,
      this.#verify(token).then((verdict) => (verdict === null ? this.#unavailable() : this.#decide(verdict))),
    );
    return null;
  }

  /** What was verified by other keys does not hold any more. */
  #present(): TokenVerifier | null {
    const keys = this.#source.keys();
    if (keys === null) return null;
    if (this.#verifier?.keys !== keys) this.#verifier = new this.#Verifier(keys, this.#spec, this.#ports.clock);
    return this.#verifier;
  }

  /** Null: there are no keys. */
  async #verify(token: string): Promise<TokenVerdict | null> {
    if (this.#source.keys() === null) await this.#source.renew();
    const verifier = this.#present();
    if (verifier === null) return null;
    const verdict = await verifier.verify(token);
    if (verdict.ok || !verdict.keyMissing) return verdict;
    // The issuer may have begun to sign with a new key.
    await this.#source.renew();
    const renewed = this.#present();
    return renewed === null || renewed === verifier ? verdict : renewed.verify(token);
  }

  #decide(verdict: TokenVerdict): SchemeDecision {
    if (!verdict.ok) return { kind: 'refused', fault: verdict.fault, because: verdict.because };
    const user = userOf(verdict.claims, this.#spec);
    if (user === null) {
      const because = `the token has no name of a user, in the claim ${this.#spec.userClaim}`;
      return { kind: 'refused', fault: 'no_user', because };
    }
    return { kind: 'user', user, headerValues: claimHeaders(verdict.claims, this.#spec.claimHeaders) };
  }

  #unavailable(): SchemeDecision {
    const { keys } = this.#spec;
    const { fault, retryAfterS } = this.#source;
    const failure = fail('authentication_unavailable', 'filter', {
      service: keys.kind === 'upstream' ? keys.upstream : jwtName,
      reason:
        fault === null
          ? 'the public keys of the issuer are not known'
          : `the public keys of the issuer are not known: ${fault}`,
      retryAfterS,
    });
    return { kind: 'failed', fault: 'unavailable', failure };
  }
}

function tokenIn({ variables }: FilterContext, { from }: JwtSpec): string | null {
  if (from.kind === 'cookie') return variables.cookie(from.name) || null;
  const sent = variables.header(from.kind === 'header' ? from.name : 'authorization');
  if (sent === null) return null;
  const afterScheme = /^bearer +(.*)$/i.exec(sent)?.[1];
  return afterScheme ?? (from.kind === 'header' ? sent : null);
}

function credentialsOf({ from, passesCredentials }: JwtSpec): SchemeCredentials {
  if (from.kind === 'bearer') return inAuthorization('bearer', passesCredentials);
  const { name } = from;
  if (from.kind === 'header') return inHeader(name, passesCredentials);
  return inCookies(name, passesCredentials, (one) => one === name);
}
