import { readCodes } from '#client/network-codes.ts';
import { type CallFailure, describeFailure } from './call-failure.ts';

/** What a fetch threw in place of an answer. What is not known counts as sent. */
export function failureOfError(error: unknown): CallFailure {
  return describeFailure(
    { writer: 'client', cause: 'network_error' },
    readCodes(error as Parameters<typeof readCodes>[0]),
  );
}
