/** Changes the values of some headers in the responses of applications. */
export interface ResponseValues {
  /** Lowercase. */
  readonly names: readonly string[];
  /** `name` is one of them. */
  changed(name: string, value: string, answered: AnsweredRequest): string;
}

/** What headers of a response may name: the client's side, and the application's. */
export interface AnsweredRequest {
  /** Of the client. */
  readonly scheme: 'http' | 'https';
  /** Hosts, with ports, by which the client asks. */
  readonly authorities: readonly string[];
  readonly schemeSent: 'http' | 'https';
  /** Hosts, with ports, that the endpoint has for names; without that of the client. */
  readonly ownAuthorities: readonly string[];
}
