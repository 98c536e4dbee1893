/** What a connection attempt was for, as far as its failures tell of it. */
export interface DialedAddress {
  /** As the record shows it: '127.0.0.1:3000' or 'unix:/run/app.sock'. */
  readonly address: string;
  /** The host name that was to be looked up, or the name that the certificate was to bear. */
  readonly name: string;
}
