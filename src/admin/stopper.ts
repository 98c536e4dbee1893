/** Ends the program that runs this gateway. The command that runs it knows how. */
export interface Stopper {
  /**
   * Begins an orderly end, in which requests in flight finish and applications are stopped, or goes on with the one that has
   * begun; with `atOnce` everything is ended at once. Returns before anything has ended.
   */
  stop(actor: string, atOnce: boolean): void;
}

/** What is said to whoever asked for it: from now on the gateway is about to end. */
export interface StopResponse {
  readonly stopping: true;
  /** Of the process that ends. */
  readonly pid: number;
}
