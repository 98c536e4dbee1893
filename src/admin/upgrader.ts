/** The steps of an upgrade, in order. */
export type UpgradeStep = 'starting' | 'reading_configuration' | 'listening' | 'ready' | 'draining';

/** The longest time that a new process may be given to serve; the requester waits no longer for the response. */
export const upgradeSecondsMax = 240;

/** The result of an upgrade. If it failed, nothing has changed. */
export type UpgradeOutcome =
  | {
      readonly ok: true;
      /** Pid of the process that serves now. */
      readonly pid: number;
    }
  | UpgradeFailure;

export interface UpgradeFailure {
  readonly ok: false;
  /**
   * 'refused': not possible now, or not for this gateway; nothing was tried. 'stopping': the gateway was stopped meanwhile, and
   * continues to stop; after every other failure it continues as before.
   */
  readonly kind: 'refused' | 'failure' | 'validation_failed' | 'timeout' | 'stopping';
  /** One or two sentences. */
  readonly reason: string;
  /** Errors of the configuration, one line each. */
  readonly errors: readonly string[];
}

/** Replaces the program that runs this gateway by the installed one. The command that runs the gateway implements it. */
export interface Upgrader {
  /** Never rejects. `onStep` is called at each step. */
  upgrade(actor: string, timeoutMs: number, onStep: (step: UpgradeStep, pid: number) => void): Promise<UpgradeOutcome>;
}
