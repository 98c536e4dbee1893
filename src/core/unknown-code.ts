import type { UnknownCode } from './connector.ts';
import { fail, type Failure } from '#failures/failure.ts';

/** The failure for a code that is not in our tables. This is a defect of Candor; the code is kept so that the table can be completed. */
export function unknownCode({ stage, code }: UnknownCode): Failure {
  return fail('gateway_fault', stage, { invariant: `known error code, not ${code}` });
}

/** The failure for a code that the system returns only for a wrong call by Candor. */
export function misuse({ stage, code }: UnknownCode): Failure {
  return fail('gateway_fault', stage, { invariant: `the system accepts the call, and does not return ${code}` });
}
