/** The address of an admin API: a socket, or a URL with a token. */
export type AdminTarget =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'url'; readonly url: URL; readonly token: string };

/** As people know it. */
export function targetText(target: AdminTarget): string {
  return target.kind === 'socket' ? target.path : target.url.origin;
}
