import type { AdminSpec } from '../core/configuration.ts';
import type { Clock } from '../core/time.ts';
import type { Gateway } from '../control/gateway-status.ts';
import { FailedAttempts } from './failed-attempts.ts';
import { DenialReport } from './denial-report.ts';
import type { Stopper } from './stopper.ts';
import type { Upgrader } from './upgrader.ts';

/** What all doors of the admin API have in common. */
export class AdminContext {
  readonly gateway: Gateway;
  readonly clock: Clock;
  readonly failedAttempts: FailedAttempts;
  readonly denials: DenialReport;
  /** Null where the program that runs the gateway cannot be replaced. */
  readonly upgrader: Upgrader | null;
  /** Null where that program ends by other means alone. */
  readonly stopper: Stopper | null;
  /** As the configuration in force has it: a token that is taken out of it is none from then on. */
  spec: AdminSpec;

  /** Why the program takes no change now, one sentence; null: it does. */
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
