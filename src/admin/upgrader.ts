/** How far an upgrade has come, in this order. */
export type UpgradeStep = 'starting' | 'reading_configuration' | 'listening' | 'ready' | 'draining';

/** How long a new process may be given to serve; whoever asks waits no longer for the answer. */
export const upgradeSecondsMax = 240;

/** What came of an upgrade. Where it did not succeed nothing has changed. */
export type UpgradeOutcome =
  | {
      readonly ok: true;
      /** Of the process that serves now. */
      readonly pid: number;
    }
  | UpgradeFailure;

export interface UpgradeFailure {
  readonly ok: false;
  /**
   * 'refused': not now, or not this gateway; nothing was tried. 'stopping': the gateway was told to stop meanwhile, and
   * does; after every other failure it goes on as before.
   */
  readonly kind: 'refused' | 'failure' | 'validation_failed' | 'timeout' | 'stopping';
  /** One or two sentences. */
  readonly reason: string;
  /** What is wrong with the configuration, one line each. */
  readonly errors: readonly string[];
}

/** What is said of an upgrade while it runs, to whoever asked for it. The last line has an outcome. */
export type UpgradeLine =
  | { readonly step: UpgradeStep; readonly pid: number }
  | { readonly outcome: 'done'; readonly pid: number }
  | ({ readonly outcome: 'failed' } & Omit<UpgradeFailure, 'ok'>);

/** Has the program that runs this gateway replaced by what is installed now. The command that runs it knows how. */
export interface Upgrader {
  /** Resolves in any case. `onStep` hears how far it has come. */
  upgrade(actor: string, timeoutMs: number, onStep: (step: UpgradeStep, pid: number) => void): Promise<UpgradeOutcome>;
}
