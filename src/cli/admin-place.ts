/** Where a gateway is asked: at its socket, or over the network with a token. */
export type AdminPlace =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'url'; readonly url: URL; readonly token: string };

/** As people know it. */
export function placeText(place: AdminPlace): string {
  return place.kind === 'socket' ? place.path : place.url.origin;
}
