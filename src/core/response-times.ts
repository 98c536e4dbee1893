/** A time of which the gateway knows that something was wrong, such as that of an incident: milliseconds since 1970. */
export interface TroubledTime {
  readonly from: number;
  readonly until: number;
}

/**
 * How long the response heads of a route have taken, by the stored exchanges of its well hours: in those, and within an hour of them, there was
 * neither an incident nor a request of the route that ended by a timeout.
 */
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
  /** Exchanges that `timeouts.response_head` has ended while there was no incident, nor within an hour of one. */
  readonly timedOut: number;
  /** Hours in which there were such exchanges. */
  readonly wellHours: number;
  /** A request of the route ended by a timeout within the last hour. */
  readonly isTroubled: boolean;
  /** Of the last hour, whether it is well or not, 99 of 100 response heads came within this time; null: none came. */
  readonly lastHourP99Ms: number | null;
}
