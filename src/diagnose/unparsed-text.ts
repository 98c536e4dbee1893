import { countText } from '#failures/quantity-text.ts';
import type { UnparsedSizeJson } from '../core/request-context.ts';
import type { UnparsedPart } from '../core/unparsed-bytes.ts';

const partWords: Readonly<Record<UnparsedPart, string>> = {
  head: 'the head of its response',
  body: 'the framing of its body',
  frame: 'an HTTP/2 frame',
};

/** 'attempt 1: 21 bytes of the head of its response'. Gateways of later versions may know other parts. */
export function unparsedText({ attempt, part, offset, size }: UnparsedSizeJson): string {
  const from = offset === null || offset === 0 ? '' : `, from byte ${offset} on`;
  return `attempt ${attempt}: ${countText(size, 'byte')} of ${partWords[part] ?? part}${from}`;
}

/** To who may not see the bytes. */
export const unparsedForOperators = 'Only the role `operate` may see them.';
