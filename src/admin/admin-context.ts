import type { AdminSpec } from '../core/configuration.ts';
import type { Clock } from '../core/time.ts';
import type { Gateway } from '../control/gateway-status.ts';
import { FailedAttempts } from './failed-attempts.ts';
import { DenialReport } from './denial-report.ts';
import type { Stopper } from './stopper.ts';
import type { AdminAddresses } from './admin-addresses.ts';
import type { Upgrader } from './upgrader.ts';

/** State that all listeners of the admin API share. */
export class AdminContext {
  readonly gateway: Gateway;
  readonly clock: Clock;
  readonly failedAttempts: FailedAttempts;
  readonly denials: DenialReport;
  /** Null if the program that runs the gateway cannot be replaced. */
  readonly upgrader: Upgrader | null;
  /** Null if that program cannot be stopped through the admin API. */
  readonly stopper: Stopper | null;
  /** Settings of the active configuration: a token that a reload removes is no longer valid. */
  spec: AdminSpec;
  /** Where the API answers at the moment. */
  addresses: AdminAddresses = { socketPath: null, address: null };

  /** Why the program accepts no change now, one sentence; null if it does. */
  readonly refusal: () => string | null;

  constructor(
    gateway: Gateway,
    clock: Clock,
    spec: AdminSpec,
    upgrader: Upgrader | null,
    stopper: Stopper | null,
    refusal: () => string | null,
  ) {
    this.gateway = gateway;
    this.upgrader = upgrader;
    this.stopper = stopper;
    this.refusal = refusal;
    this.clock = clock;
    this.spec = spec;
    this.failedAttempts = new FailedAttempts(clock);
    this.denials = new DenialReport(gateway, clock);
  }
}
