import type { CountsReport } from '../../core/feature.ts';
import type { GatewayStatus } from '../../core/schemas/status.ts';

export const authenticationName = 'authentication';

/** How a route finds out who a client is. Any of the schemes is enough. */
export interface AuthenticationSpec {
  readonly schemes: readonly SchemeSpec[];
  /** What browsers show as the name of what is protected. */
  readonly realm: string;
  /** Whom it lets in; null: everybody who has authenticated. */
  readonly require: RequiredOfUsers | null;
  /** Headers that endpoints get, by what is in them; null: none. */
  readonly userHeader: string | null;
  readonly groupsHeader: string | null;
}

/** Only the files of the scheme know what is in `spec`, which survives `structuredClone`. */
interface SchemeSpec {
  readonly name: string;
  readonly spec: object;
  /** The file, service or issuer whose word counts, for people. */
  readonly believes?: string;
}

/** Each of these must hold; null: it is not asked for. */
export interface RequiredOfUsers {
  /** One of these names. */
  readonly users: readonly string[] | null;
  /** In one of these groups. */
  readonly groups: readonly string[] | null;
  /** Each claim has one of its values. */
  readonly claims: Readonly<Record<string, readonly string[]>> | null;
}

/** How often each scheme of a route has come to each outcome, in one worker since its start: by `scheme outcome`. */
export interface AuthenticationReport extends CountsReport {
  /** By scheme; absent: as in the last report. */
  readonly conditions?: Readonly<Record<string, SchemeCondition>>;
}

/** Public keys of an issuer that a worker has asked for. */
export interface SchemeCondition {
  readonly keys: number;
  /** When it got them; null: it has none. */
  readonly fetchedWall: number | null;
  /** Why it could not ask for them again; null: it could. */
  readonly fault: string | null;
  /** What other workers can go on with, structured-cloneable; null: nothing. */
  readonly state: SharedState | null;
}

/** Only the files of the scheme know what is in it beside. */
export interface SharedState {
  /** Newer ones replace older ones. */
  readonly fetchedWall: number;
}

export type KeysView = GatewayStatus['authentication'][number]['keys'][number];

export type AuthenticationStatus = Pick<GatewayStatus, 'authentication'>;

/** The outcome of a request that has passed. */
export const admitted = 'admitted';

/** Outcomes of requests that are part of a login, and say nothing against anybody. */
export const stepsOfLogin: ReadonlySet<string> = new Set(['login_begun', 'logged_in', 'logged_out']);
