/** Ends the program that runs this gateway. The command that runs it knows how. */
export interface Stopper {
  /**
   * Begins an orderly shutdown, in which requests in flight finish and applications are stopped, or continues the one that has
   * begun; `atOnce` force closes all requests. Returns before the shutdown has ended.
   */
  stop(actor: string, atOnce: boolean): void;
}

/** The response to the requester: the gateway is stopping from now on. */
export interface StopResponse {
  readonly stopping: true;
  /** Pid of the process that ends. */
  readonly pid: number;
}
