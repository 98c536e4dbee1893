import { dnsCodes } from '#failures/dns-codes.ts';
import { connectionEndsS, meaningOf } from '#failures/errno-meaning.ts';
import { fail, type Failure } from '#failures/failure.ts';
import { misuse } from './unknown-code.ts';

/**
 * The failure of a lookup, by the code that it ended with. Returns null for an unknown code; the caller counts it as
 * unclassified, which is a defect to be fixed here.
 */
export function dnsFailure(code: string, name: string): Failure | null {
  const known = Object.hasOwn(dnsCodes, code) ? dnsCodes[code] : undefined;
  switch (known?.kind) {
    case 'absent':
      return fail('dns_not_found', 'dns', { name, rcode: known.rcode ?? '' });
    case 'silent':
      return fail('dns_timeout', 'dns', { name, limitMs: 0 });
    case 'declined':
    case 'failed':
      return fail('dns_failed', 'dns', { name, rcode: known.rcode, code });
    case 'ours':
      return misuse({ stage: 'dns', code });
    case undefined:
      return askingFailure(code, name);
  }
}

/** The name server could not be asked, for a code of the system. */
function askingFailure(code: string, name: string): Failure | null {
  switch (meaningOf(code)) {
    case null:
      return null;
    case 'resources_spent':
      return fail('descriptors_exhausted', 'dns', { address: name, errno: code, retryAfterS: connectionEndsS });
    case 'timed_out':
      return fail('dns_timeout', 'dns', { name, limitMs: 0 });
    case 'missing':
    case 'misuse':
      return misuse({ stage: 'dns', code });
    default:
      return fail('dns_failed', 'dns', { name, rcode: null, code });
  }
}
