import * as z from 'zod';
import type { Default } from '../../schema/default.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { text } from '../../schema/leaves.ts';
import { key } from '../../schema/section.ts';
import { parseUserHeader } from './keys-values.ts';

/** Keys of a scheme that knows claims of users. */
export const claimKeys = (groupsClaim: Default) => ({
  groups_claim: key(
    text,
    'The claim that has the groups of the user; within another claim, with a dot between.',
    groupsClaim,
  ),
  claim_headers: key(
    z.record(z.string(), text),
    'Headers in which applications get claims: `{ X-Email: email }`. What clients send under these names is removed, on all routes.',
  ),
});

export function reviewClaimHeaders(headers: object, at: Path, findings: Findings): void {
  for (const name of Object.keys(headers)) {
    const parsed = parseUserHeader(name);
    if (parsed.ok) continue;
    findings.errorAtKey([...at, 'claim_headers', name], parsed.failure.message, parsed.failure.suggestion);
  }
}
