/** The address of an admin API: a socket, or a URL with a token. */
export type AdminTarget =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'url'; readonly url: URL; readonly token: string; readonly trust?: AdminTrust };

/** Which certificate a gateway may show, instead of one that an authority of the system has issued for the host of the URL. */
export interface AdminTrust {
  /** In PEM, in place of the authorities of the system; null: those. */
  readonly authorities: string | null;
  /**
   * The one in the gateway's configuration, in PEM: it is trusted by itself. Any other must be for the same host, since the address in the
   * configuration is seldom a name. Null: not known.
   */
  readonly certificate: string | null;
}

/** As people know it. */
export function targetText(target: AdminTarget): string {
  return target.kind === 'socket' ? target.path : target.url.origin;
}
