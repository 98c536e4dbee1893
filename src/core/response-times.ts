/** How long the response heads of a route have taken, by the stored exchanges. */
export interface ResponseTimes {
  readonly route: string;
  /** Exchanges with a response head, those included for which a stored one stands. */
  readonly answered: number;
  /** When the oldest of them began: milliseconds since 1970. */
  readonly since: number;
  /** Of 1,000 response heads, 999 came within this time after the request was sent. */
  readonly p999Ms: number;
  /** The longest of them. */
  readonly longestMs: number;
  /** Of how many exchanges the time is stored; each may stand for others. */
  readonly samples: number;
  /** Exchanges that `timeouts.response_head` has ended. */
  readonly timedOut: number;
}
