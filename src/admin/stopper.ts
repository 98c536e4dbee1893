/** Ends the program that runs this gateway. The command that runs it knows how. */
export interface Stopper {
  /**
   * Begins an orderly shutdown, in which requests in flight finish and applications are stopped, or continues the one that has
   * begun; `atOnce` force closes all requests. Returns before the shutdown has ended.
   */
  stop(actor: string, atOnce: boolean): void;
}
