/** What is known of the endpoints of an upstream. */
export interface WatchedUpstream {
  readonly application: string | null;
  readonly endpoints: readonly {
    readonly id: string;
    /** Null for an address. */
    readonly name: string | null;
    readonly state: string;
    readonly reason: string;
    /** What its health document says of its parts that do not work; null: nothing. */
    readonly advice: string | null;
  }[];
}
