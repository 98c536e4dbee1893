import type { UnknownCode } from '../core/connector.ts';
import { fail, type Failure } from '../core/failure.ts';

/** An unknown code is a hole in our own tables, so the fault is ours; the code is kept to mend it. */
export function unknownCode({ stage, code }: UnknownCode): Failure {
  return fail('gateway_fault', stage, { invariant: `known error code, not ${code}` });
}

/** A code that the world gives only to who has asked for something wrong: that is us. */
export function misuse({ stage, code }: UnknownCode): Failure {
  return fail('gateway_fault', stage, { invariant: `the system takes what it is asked for, and does not say ${code}` });
}
