import type { AdminSpec } from '../core/configuration.ts';
import type { Random } from '../core/random.ts';
import type { Clock } from '../core/time.ts';
import type { Gateway } from '../control/gateway-status.ts';
import { FailedAttempts } from './failed-attempts.ts';
import { DenialReport } from './denial-report.ts';
import { SearchTurns } from './search-turns.ts';
import { SessionFile } from './session-file.ts';
import { Sessions } from './sessions.ts';
import type { Stopper } from './stopper.ts';
import type { AdminAddresses } from './admin-addresses.ts';
import type { Upgrader } from './upgrader.ts';

/** What the admin API needs for the dashboard. */
interface DashboardParts {
  /** The folder with its built files. */
  readonly folder: string;
  /** For the secrets of sessions and links. */
  readonly random: Random;
  /** Where sessions are kept for the next process; absent or null: they end with this one. */
  readonly stateFolder?: string | null;
}

/** The program that runs the gateway, as the admin API sees it. */
export interface AdminProgram {
  /** Absent if the program that runs the gateway cannot be replaced. */
  readonly upgrader?: Upgrader;
  /** Absent if the program that runs the gateway cannot be stopped through the admin API. */
  readonly stopper?: Stopper;
  /** Why the program accepts no change now, one sentence; null or absent if it does. */
  readonly refusal?: () => string | null;
  /** Absent: there is no dashboard, and no session. */
  readonly dashboard?: DashboardParts;
}

/** State that all listeners of the admin API share. */
export class AdminContext {
  readonly gateway: Gateway;
  readonly clock: Clock;
  readonly failedAttempts: FailedAttempts;
  readonly denials: DenialReport;
  readonly searchTurns = new SearchTurns();
  readonly sessions: Sessions | null;
  /** The folder of the dashboard; null: there is none. */
  readonly dashboardFolder: string | null;
  readonly upgrader: Upgrader | null;
  readonly stopper: Stopper | null;
  readonly refusal: () => string | null;
  /** Settings of the active configuration: a token that a reload removes is no longer valid. */
  spec: AdminSpec;
  /** Where the API answers at the moment. */
  addresses: AdminAddresses = { socketPath: null, address: null };

  constructor(gateway: Gateway, clock: Clock, spec: AdminSpec, program: AdminProgram) {
    const { upgrader, stopper, refusal, dashboard } = program;
    this.gateway = gateway;
    this.upgrader = upgrader ?? null;
    this.stopper = stopper ?? null;
    this.refusal = refusal ?? (() => null);
    this.sessions = dashboard === undefined ? null : sessionsOf(clock, dashboard);
    this.dashboardFolder = dashboard?.folder ?? null;
    this.clock = clock;
    this.spec = spec;
    this.failedAttempts = new FailedAttempts(clock);
    this.denials = new DenialReport(gateway, clock);
  }

  get events(): Gateway {
    return this.gateway;
  }

  /**
   * A URL that a browser can trust: over TLS, and by a name that the configuration gives, else by the address that the certificate may have.
   * Null for a wildcard address without names.
   */
  get publicUrl(): string | null {
    const { tls, hosts } = this.spec;
    const { address } = this.addresses;
    if (tls === undefined || address === null) return null;
    const named = hosts.find((host) => !host.startsWith('*.'));
    if (named !== undefined) return `https://${named}:${address.port}`;
    if (address.host === '0.0.0.0' || address.host === '::') return null;
    return `https://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
  }
}

function sessionsOf(clock: Clock, { random, stateFolder = null }: DashboardParts): Sessions {
  return new Sessions(clock, random, stateFolder === null ? null : new SessionFile(stateFolder));
}
