/** Where a CA looks, and where the gateway listens for it. */
export interface ChallengePort {
  readonly asked: number;
  /** Null: the gateway has no such listener, or it is not known. */
  readonly own: number | null;
}

/** What this machine sees where the CA looked. */
export interface OwnSight {
  readonly kind: 'no_name' | 'silent' | 'redirected' | 'foreign' | 'ours';
  /** What is so, without its subject, the port of the name. */
  readonly text: string;
}

/** The CA found no address, no connection, or an answer that is not ours. The last where it says something else. */
type CaView = 'no_name' | 'no_connection' | 'other_answer';

const views: Readonly<Record<string, CaView>> = { dns: 'no_name', connection: 'no_connection', tls: 'no_connection' };

/** What to do: where both views differ, the CA's decides. `problemType`: the CA's; null: it gave none. */
export function fixFor(
  domain: string,
  { asked, own }: ChallengePort,
  sight: OwnSight['kind'],
  problemType: string | null,
): string {
  const view = views[problemType ?? ''] ?? 'other_answer';
  if (view === 'no_name')
    return sight === 'no_name'
      ? `add an A or AAAA record for ${domain}`
      : `add an A or AAAA record for ${domain} at the name servers that the Internet asks: this machine has the address from others`;
  const forward =
    own === null || own === asked
      ? `let the gateway have port ${asked}`
      : `forward port ${asked} of that address to port ${own} of the gateway`;
  switch (sight) {
    case 'redirected':
      return 'let requests for /.well-known/acme-challenge/ through to this gateway without a redirect';
    case 'foreign':
      return asked === 443
        ? `${forward}, or let the server that has it pass TLS connections on as they are`
        : `let ${domain} resolve to this gateway, and ${forward} or receive /.well-known/acme-challenge/ from that server`;
    case 'ours':
      return `let the Internet reach it: look at the firewall, and whether every address of ${domain} that public name servers give (AAAA as well) leads here`;
    case 'no_name':
    case 'silent':
      return view === 'no_connection'
        ? `${forward}, and let the firewall let connections through to it`
        : `the CA reaches another server than this machine does: let every address of ${domain} that public name servers give (AAAA as well) lead to this gateway, and ${forward}`;
  }
}
