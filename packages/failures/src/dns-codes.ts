/**
 * What the codes of a failed lookup mean. Node passes on the codes of c-ares and of getaddrinfo.
 *
 * - `absent`: the name does not exist, or has no address of that family.
 * - `declined`: a name server answered with an RCODE of failure; another server may know the name.
 * - `silent`: no name server answered in time.
 * - `failed`: no answer could be read.
 * - `ours`: only a wrong call by Candor can cause it.
 */
interface DnsCode {
  readonly kind: 'absent' | 'declined' | 'silent' | 'failed' | 'ours';
  /** The RCODE, or NODATA (RFC 8499 §3: a pseudo RCODE); null if no name server sent one. */
  readonly rcode: string | null;
  /** Follows "failed:" if there is no RCODE. */
  readonly reason: string;
}

const code = (kind: DnsCode['kind'], rcode: string | null, reason: string): DnsCode => ({ kind, rcode, reason });

const answered = (kind: DnsCode['kind'], rcode: string): DnsCode =>
  code(kind, rcode, `the name server answered ${rcode}`);

export const dnsCodes: Readonly<Record<string, DnsCode>> = {
  ENOTFOUND: answered('absent', 'NXDOMAIN'),
  ENODATA: answered('absent', 'NODATA'),
  ESERVFAIL: answered('declined', 'SERVFAIL'),
  EREFUSED: answered('declined', 'REFUSED'),
  EFORMERR: answered('declined', 'FORMERR'),
  ENOTIMP: answered('declined', 'NOTIMP'),
  ETIMEOUT: code('silent', null, 'no name server answered'),
  ECONNREFUSED: code('failed', null, 'no name server could be reached, or it hung up'),
  EBADRESP: code('failed', null, "the name server's answer could not be read"),
  EOF: code('failed', null, 'the name server hung up in the middle of its answer'),
  EBADNAME: code('failed', null, 'the name is not a valid DNS name'),
  EBADSTR: code('failed', null, 'the name is not a valid DNS name'),
  EBADQUERY: code('failed', null, 'the name is not a valid DNS name'),
  // Node's code for ARES_ENOSERVER of c-ares (and for ARES_ESERVICE, which only getnameinfo returns).
  UNKNOWN_ARES_ERROR: code('failed', null, 'there is no name server to ask'),
  EAI_AGAIN: code('failed', null, 'the system reports a temporary failure'),
  EAI_FAIL: code('failed', null, 'the system reports a permanent failure'),
  EAI_NODATA: answered('absent', 'NODATA'),
  EAI_NONAME: answered('absent', 'NXDOMAIN'),
  EAI_ADDRFAMILY: answered('absent', 'NODATA'),
  ...ours(
    // Codes of queries that Candor cancelled.
    'EDESTRUCTION ECANCELLED EAI_CANCELED',
    // Codes of calls and arguments that Candor does not use.
    'EBADFAMILY EBADFLAGS EBADHINTS ENONAME EAI_BADFLAGS EAI_BADHINTS EAI_FAMILY EAI_OVERFLOW EAI_PROTOCOL EAI_SERVICE EAI_SOCKTYPE',
    // Codes of the library's start.
    'ENOTINITIALIZED EFILE ELOADIPHLPAPI EADDRGETNETWORKPARAMS EAI_MEMORY',
  ),
};

function ours(...codes: readonly string[]): Record<string, DnsCode> {
  const reason = 'Candor called the resolver wrongly';
  return Object.fromEntries(codes.flatMap((line) => line.split(' ').map((each) => [each, code('ours', null, reason)])));
}
