/** The addresses of an admin API. */
export interface AdminAddresses {
  /** Null without a unix socket. */
  readonly socketPath: string | null;
  /** Its TCP address, with the actual port if 0 was configured; null without TCP. */
  readonly address: { readonly host: string; readonly port: number } | null;
}
