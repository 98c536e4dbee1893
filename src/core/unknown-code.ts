import type { UnknownCode } from './connector.ts';
import { fail, type Failure } from './failure.ts';

/** The failure for a code that our tables do not know. The fault is ours; the code is kept so that the table can be completed. */
export function unknownCode({ stage, code }: UnknownCode): Failure {
  return fail('gateway_fault', stage, { invariant: `known error code, not ${code}` });
}

/** The failure for a code that the system gives only to a caller that asked for something wrong: us. */
export function misuse({ stage, code }: UnknownCode): Failure {
  return fail('gateway_fault', stage, { invariant: `the system takes what it is asked for, and does not say ${code}` });
}
