export const oidcName = 'oidc';

/** How people log in at a provider (OpenID Connect). */
export interface OidcSpec {
  readonly issuer: string;
  /** Through which upstream a host of the provider is asked, by host and port as they stand in its URLs. */
  readonly upstreams: Readonly<Record<string, string>>;
  readonly clientId: string;
  /** Null: a public client, which has PKCE alone. */
  readonly clientSecret: string | null;
  /** Below which the gateway answers itself; without "/" at its end. */
  readonly path: string;
  readonly scopes: readonly string[];
  readonly userClaim: string;
  readonly groupsClaim: string;
  /** Claims that endpoints get, by the name of the header. */
  readonly headers: Readonly<Record<string, string>>;
  readonly sessionMs: number;
  /** Whether a logout ends the session at the provider too. */
  readonly logsOutAtProvider: boolean;
  /** What cookies are encrypted with; null: the key in the state folder, which the main thread gives to workers. */
  readonly key: string | null;
  /** Which refreshes have begun, for all workers; null: a worker has its own. */
  readonly refreshes: SharedArrayBuffer | null;
}

/** Of `OidcSpec.refreshes`: of as many sessions it is known at once. */
export const refreshCells = 16_384;
/** The file of the key, in the state folder. */
export const loginKeyFile = 'login-key';
