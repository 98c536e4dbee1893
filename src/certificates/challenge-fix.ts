/** Where a CA looks, and where the gateway listens for it. */
export interface ChallengePort {
  readonly asked: number;
  /** Null: the gateway has no such listener, or it is not known. */
  readonly own: number | null;
}

/** What this machine sees where the CA looked. */
export interface OwnSight {
  readonly kind: 'silent' | 'redirected' | 'foreign' | 'ours';
  /** What is so, without its subject, the port of the name. */
  readonly text: string;
}

/** 'no_name': the name does not exist. 'no_resolution': name servers do not say whether it does. */
export type OwnFinding = OwnSight['kind'] | 'no_name' | 'no_resolution';

/** The CA found no address, no connection, or an answer that is not ours. The last where it says something else. */
type CaView = 'no_name' | 'no_connection' | 'other_answer';

const views: Readonly<Record<string, CaView>> = { dns: 'no_name', connection: 'no_connection', tls: 'no_connection' };

/** What to do: where both views differ, the CA's decides. `problemType`: the CA's; null: it gave none. */
export function fixFor(
  domain: string,
  { asked, own }: ChallengePort,
  sight: OwnFinding,
  problemType: string | null,
): string {
  const view = views[problemType ?? ''] ?? 'other_answer';
  const asksServers = `let the name servers of ${domain} answer (\`dig ${domain}\` shows whether they do)`;
  if (view === 'no_name')
    return sight === 'no_name'
      ? `add an A or AAAA record for ${domain}`
      : sight === 'no_resolution'
        ? asksServers
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
      return `add an A or AAAA record for ${domain}; if public name servers have one, let it lead to this gateway, and ${forward}`;
    case 'no_resolution':
      return `${asksServers}; if they do, ${forward}`;
    case 'silent':
      return view === 'no_connection'
        ? `${forward}, and let the firewall let connections through to it; if the address is not that of this gateway, correct the A or AAAA record of ${domain}`
        : `the CA reaches another server than this machine does: let every address of ${domain} that public name servers give (AAAA as well) lead to this gateway, and ${forward}`;
  }
}

/** What to do where some addresses of a name lead to this gateway, and `others` do not: most often an old AAAA record. */
export function fixForOthers(domain: string, others: readonly string[]): string {
  const records = others
    .map((address) => `${address.includes(':') ? 'AAAA' : 'A'} record ${address}`)
    .join(' and the ');
  return `let the ${records} of ${domain} lead to this gateway, or remove ${others.length === 1 ? 'it' : 'them'}`;
}
