/**
 * What the codes of a failed lookup mean: the one place that knows those of c-ares, which Node passes on.
 *
 * - `absent`: the answer is that there is no such name, or no address of that family.
 * - `declined`: a name server answered, with an RCODE of failure; another server may know better.
 * - `silent`: none answered in time.
 * - `failed`: there was no answer that could be read.
 *
 * - `ours`: no question of ours can bring it about, unless we ask wrongly.
 */
export interface DnsCode {
  readonly kind: 'absent' | 'declined' | 'silent' | 'failed' | 'ours';
  /** The RCODE, or NODATA (RFC 8499 §3: a pseudo RCODE); null where no name server gave one. */
  readonly rcode: string | null;
  /** After "failed:", where there is no RCODE to tell. */
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
  EBADNAME: code('failed', null, 'the name is none that a name server can be asked for'),
  EBADSTR: code('failed', null, 'the name is none that a name server can be asked for'),
  EBADQUERY: code('failed', null, 'the name is none that a name server can be asked for'),
  // Node's word for what c-ares calls ARES_ENOSERVER (and for ARES_ESERVICE, which only getnameinfo knows).
  UNKNOWN_ARES_ERROR: code('failed', null, 'there is no name server to ask'),
  EAI_AGAIN: code('failed', null, 'the system says that it may work later'),
  EAI_FAIL: code('failed', null, 'the system says that it will not work'),
  EAI_NODATA: answered('absent', 'NODATA'),
  EAI_NONAME: answered('absent', 'NXDOMAIN'),
  EAI_ADDRFAMILY: answered('absent', 'NODATA'),
  ...ours(
    // They end questions that we gave up ourselves.
    'EDESTRUCTION ECANCELLED EAI_CANCELED',
    // They belong to calls that we do not make, or to arguments that we do not give.
    'EBADFAMILY EBADFLAGS EBADHINTS ENONAME EAI_BADFLAGS EAI_BADHINTS EAI_FAMILY EAI_OVERFLOW EAI_PROTOCOL EAI_SERVICE EAI_SOCKTYPE',
    // They belong to the start of the library.
    'ENOTINITIALIZED EFILE ELOADIPHLPAPI EADDRGETNETWORKPARAMS EAI_MEMORY',
  ),
};

function ours(...codes: readonly string[]): Record<string, DnsCode> {
  const reason = 'this was asked wrongly';
  return Object.fromEntries(codes.flatMap((line) => line.split(' ').map((each) => [each, code('ours', null, reason)])));
}
