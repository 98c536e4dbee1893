import type * as Library from 'openid-client';
import type { UpstreamId } from '../../../core/endpoint.ts';
import type { ClientFacts } from '../../../core/exchange.ts';
import type { AskUpstream } from '../../../core/subrequest.ts';
import type { Clock, Instant } from '../../../core/time.ts';
import { claimAt } from '../jwt/worker-claims.ts';
import type { OidcSpec } from './settings.ts';

/** Of one request to the provider. People wait for it. */
const limitMs = 10_000;
const bodyBytesMax = 512 * 1024;
/** What the provider says of itself changes seldom, such as when it moves. */
const metadataKeptMs = 3_600_000;
/** And is asked for again so soon where it could not be had. */
const metadataRetryMs = 30_000;

let library: typeof Library | null = null;
let loading: Promise<void> | null = null;

export function loadLibrary(): Promise<void> | null {
  if (library !== null) return null;
  loading ??= import('openid-client').then((loaded) => void (library = loaded));
  return loading;
}

export interface Tokens {
  /** Of the user, of the ID token and, where that has too little, of the provider's userinfo. Null: a refresh has said nothing new. */
  readonly claims: Readonly<Record<string, unknown>> | null;
  readonly idToken: string | null;
  readonly refreshToken: string | null;
  readonly expiresInS: number | null;
}

/** `unavailable`: the provider gave no usable answer. `refused`: it has answered, and the login or refresh is no success. */
export type ProviderFault =
  | { readonly kind: 'unavailable'; readonly service: string; readonly reason: string; readonly askedCause?: string }
  | { readonly kind: 'refused'; readonly reason: string };

export type ProviderResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: ProviderFault };

/** Passes through the library, whose own errors have texts alone. */
class AskingFailed extends Error {
  readonly fault: ProviderFault;

  constructor(fault: ProviderFault) {
    super(fault.reason);
    this.fault = fault;
  }
}

export interface BegunLogin {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** A provider as a client of it sees it (OpenID Connect Core, RFC 6749, RFC 7636), asked through upstreams of the gateway. */
export class Provider {
  readonly #spec: OidcSpec;
  readonly #ask: AskUpstream;
  readonly #clock: Clock;
  #metadata: { readonly value: Library.ServerMetadata; readonly until: Instant } | null = null;
  #discovering: Promise<Library.ServerMetadata> | null = null;
  #keys: Library.ExportedJWKSCache | undefined;

  constructor(spec: OidcSpec, ask: AskUpstream, clock: Clock) {
    this.#spec = spec;
    this.#ask = ask;
    this.#clock = clock;
  }

  get service(): string {
    return this.#spec.upstreams[new URL(this.#spec.issuer).host] ?? this.#spec.issuer;
  }

  /** Where the browser goes. `asAnother`: the provider is to ask which account is meant. */
  begin(
    { redirectUri, state, nonce, verifier }: BegunLogin,
    asAnother: boolean,
    asker: Asker,
  ): Promise<ProviderResult<URL>> {
    return this.#with(asker, async (config, openid) =>
      openid.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: this.#spec.scopes.join(' '),
        ...{ state, nonce, code_challenge: await openid.calculatePKCECodeChallenge(verifier) },
        code_challenge_method: 'S256',
        ...(asAnother ? { prompt: choosingPrompt(config.serverMetadata()) } : {}),
      }),
    );
  }

  /** The browser has come back to `url`. */
  redeem(url: URL, { state, nonce, verifier }: BegunLogin, asker: Asker): Promise<ProviderResult<Tokens>> {
    return this.#with(asker, async (config, openid) => {
      const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
      const answer = await openid.authorizationCodeGrant(config, url, checks);
      return this.#tokensOf(config, answer, openid);
    });
  }

  refresh(refreshToken: string, subject: string, asker: Asker): Promise<ProviderResult<Tokens>> {
    return this.#with(asker, async (config, openid) => {
      const tokens = await this.#tokensOf(
        config,
        await openid.refreshTokenGrant(config, refreshToken),
        openid,
        subject,
      );
      if (tokens.claims !== null && tokens.claims['sub'] !== subject)
        throw new AskingFailed({ kind: 'refused', reason: 'the provider has refreshed the login of another user' });
      return tokens;
    });
  }

  /** Where the provider ends its own session; null: it has no such page. */
  logout(idToken: string | null, returnTo: string, asker: Asker): Promise<ProviderResult<URL | null>> {
    return this.#with(asker, (config, openid) => {
      if (config.serverMetadata().end_session_endpoint === undefined) return null;
      return openid.buildEndSessionUrl(config, {
        post_logout_redirect_uri: returnTo,
        ...(idToken === null ? {} : { id_token_hint: idToken }),
      });
    });
  }

  /** The token is worth nothing any more, as far as the provider can do that. */
  revoke(refreshToken: string, asker: Asker): Promise<ProviderResult<void>> {
    return this.#with(asker, async (config, openid) => {
      if (config.serverMetadata().revocation_endpoint !== undefined)
        await openid.tokenRevocation(config, refreshToken, { token_type_hint: 'refresh_token' });
    });
  }

  async #with<T>(
    asker: Asker,
    work: (config: Library.Configuration, openid: typeof Library) => T | Promise<T>,
  ): Promise<ProviderResult<T>> {
    const openid = library as typeof Library;
    try {
      const config = this.#configuration(await this.#discovered(asker, openid), asker, openid);
      const value = await work(config, openid);
      this.#keys = openid.getJwksCache(config) ?? this.#keys;
      return { ok: true, value };
    } catch (error) {
      return { ok: false, fault: this.#faultOf(error, openid) };
    }
  }

  /** Once for all who wait for it. What has failed is asked again by the next one. */
  #discovered(asker: Asker, openid: typeof Library): Promise<Library.ServerMetadata> {
    if (this.#metadata !== null && this.#metadata.until > this.#clock.now())
      return Promise.resolve(this.#metadata.value);
    const { issuer, clientId } = this.#spec;
    this.#discovering ??= openid
      .discovery(new URL(issuer), clientId, undefined, openid.None(), {
        execute: issuer.startsWith('http:') ? [openid.allowInsecureRequests] : [],
        [openid.customFetch]: this.#fetchFor(asker),
      })
      .then((config) => {
        const value = config.serverMetadata();
        this.#metadata = { value, until: (this.#clock.now() + metadataKeptMs) as Instant };
        return value;
      })
      .catch((error: unknown) => {
        // An old document is better than none: logins go on while the provider cannot be asked for it.
        if (this.#metadata !== null) {
          const { value } = this.#metadata;
          this.#metadata = { value, until: (this.#clock.now() + metadataRetryMs) as Instant };
          return value;
        }
        if (askingFailedIn(error) !== null) throw error;
        const reason = `what it says of itself at /.well-known/openid-configuration cannot be used (${textOf(error)})`;
        throw new AskingFailed({ kind: 'unavailable', service: this.service, reason });
      })
      .finally(() => (this.#discovering = null));
    return this.#discovering;
  }

  #configuration(metadata: Library.ServerMetadata, asker: Asker, openid: typeof Library): Library.Configuration {
    const { clientId, clientSecret, issuer } = this.#spec;
    const ways = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const secret = clientSecret ?? '';
    const proof =
      clientSecret === null
        ? openid.None()
        : ways.includes('client_secret_basic')
          ? openid.ClientSecretBasic(secret)
          : openid.ClientSecretPost(secret);
    const config = new openid.Configuration(metadata, clientId, undefined, proof);
    config[openid.customFetch] = this.#fetchFor(asker);
    if (issuer.startsWith('http:')) openid.allowInsecureRequests(config);
    // The upstream may be asked in clear text: the signature of the token says that it is the provider's.
    openid.enableNonRepudiationChecks(config);
    if (this.#keys !== undefined) openid.setJwksCache(config, this.#keys);
    return config;
  }

  async #tokensOf(
    config: Library.Configuration,
    answer: Library.TokenEndpointResponse & Library.TokenEndpointResponseHelpers,
    openid: typeof Library,
    subject?: string,
  ): Promise<Tokens> {
    const own = answer.claims() ?? null;
    const wanted = [this.#spec.userClaim, this.#spec.groupsClaim, ...Object.values(this.#spec.headers)];
    const sub = own?.sub ?? subject;
    const hasAll = own !== null && wanted.every((name) => claimAt(own, name) !== undefined);
    const asksMore = !hasAll && sub !== undefined && config.serverMetadata().userinfo_endpoint !== undefined;
    const more = asksMore ? await openid.fetchUserInfo(config, answer.access_token, sub) : null;
    return {
      claims: own === null && more === null ? null : { ...more, ...own },
      idToken: answer.id_token ?? null,
      refreshToken: answer.refresh_token ?? null,
      expiresInS: answer.expires_in ?? null,
    };
  }

  #fetchFor({ client, route }: Asker): Library.CustomFetch {
    return async (address, { method, headers, body }) => {
      const url = new URL(address);
      const upstream = this.#spec.upstreams[url.host];
      if (upstream === undefined)
        throw new AskingFailed({
          ...{ kind: 'unavailable', service: this.service },
          reason: `its address ${url.origin} has no upstream in "upstreams" of the login`,
        });
      const answer = await this.#ask({
        ...{ upstream: upstream as UpstreamId, route: `authentication of ${route}`, method, limitMs, bodyBytesMax },
        ...{ target: `${url.pathname}${url.search}`, authority: url.host, hostSent: 'client' },
        headers: Object.entries(headers),
        body:
          body === null || body === undefined
            ? null
            : await new Response(body as ConstructorParameters<typeof Response>[0]).bytes(),
        client: { ...client, scheme: url.protocol === 'https:' ? 'https' : 'http' },
      });
      const service = upstream;
      if (!answer.ok) {
        const { cause } = answer.failure;
        const reason = `the request to ${url.pathname} failed (${cause.replaceAll('_', ' ')})`;
        throw new AskingFailed({ kind: 'unavailable', service, reason, askedCause: cause });
      }
      const { status } = answer.value;
      if (status >= 500 || status === 429 || status === 404 || (status >= 300 && status < 400))
        throw new AskingFailed({ kind: 'unavailable', service, reason: `it answered ${url.pathname} with ${status}` });
      return new Response(status === 204 ? null : Buffer.from(answer.value.body), {
        status,
        headers: answer.value.headers.map(([name, value]): [string, string] => [name, value]),
      });
    };
  }

  #faultOf(error: unknown, openid: typeof Library): ProviderFault {
    const asking = askingFailedIn(error);
    if (asking !== null) return asking.fault;
    const { service } = this;
    // RFC 6749 §5.2: the provider refuses the gateway itself, and so each login fails until the operator mends the configuration.
    const isOurs =
      error instanceof openid.WWWAuthenticateChallengeError
        ? error.cause.some(({ scheme }) => scheme.toLowerCase() === 'basic')
        : error instanceof openid.ResponseBodyError && /^(?:invalid|unauthorized)_client$/.test(error.error);
    if (isOurs) return { kind: 'unavailable', service, reason: gatewayRefused };
    if (error instanceof openid.ResponseBodyError || error instanceof openid.AuthorizationResponseError) {
      const reason = `the provider says ${visible(error.error)}${error.error_description === undefined ? '' : ` (${visible(error.error_description)})`}`;
      // RFC 6749 §4.1.2.1.
      return error.error === 'server_error' || error.error === 'temporarily_unavailable'
        ? { kind: 'unavailable', service, reason }
        : { kind: 'refused', reason };
    }
    return { kind: 'refused', reason: `the answer of the provider is not valid (${textOf(error)})` };
  }
}

const gatewayRefused =
  'it refuses the gateway itself: "client_id" or "client_secret" is not what it knows, or it wants another kind of client';

/** Core §3.1.2.1. A provider that lists what it knows refuses other words. */
function choosingPrompt({ prompt_values_supported: known }: Library.ServerMetadata): string {
  return Array.isArray(known) && !known.includes('select_account') ? 'login' : 'select_account';
}

/** On whose behalf the provider is asked. */
export interface Asker {
  readonly client: ClientFacts;
  /** The id of the route. */
  readonly route: string;
}

function askingFailedIn(error: unknown): AskingFailed | null {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof AskingFailed) return at;
  return null;
}

/** Of the library's errors, whose texts have no values of tokens. */
function textOf(error: unknown): string {
  const { message, cause } = error as Error;
  return visible(cause instanceof Error ? `${message}: ${cause.message}` : message);
}

/** What a provider, or whoever has made the link, may write into the record. */
export function visible(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 200);
}
