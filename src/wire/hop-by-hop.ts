import { headerFilter } from '../core/header-names.ts';
import { COMMA, isBlank, isText } from './characters.ts';
import { nominationsMax } from './limits.ts';

/**
 * Fields that are for one connection only, and those by which each side frames and addresses its own messages. They
 * are read here and never leave: the writer makes new ones (RFC 9110 §7.6.1, §11.7, RFC 9112 §6). Trailer is none of
 * them: it announces what goes on too (§6.6.2).
 */
export const ownHeaders = headerFilter([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'host',
]);

/** Marks a line whose name has no number of ours and which Connection nominates. */
export const nominated = 0x100;

/** The options of a Connection header that the gateway obeys: a set of bits. */
export const optionClose = 1;
export const optionKeepAlive = 2;
export const optionUpgrade = 4;
/** It names more headers than are looked up: which of them go on would be left to their order. */
export const optionsBeyondLimit = 8;

/** One member of a comma-separated list: bytes [start, end) without white space around. */
type Member = (bytes: Uint8Array, start: number, end: number) => void;

/**
 * Visits the members of a list, empty ones too (RFC 9110 §5.6.1 has recipients ignore them; whoever must not meet them
 * sees them). Quoted strings are not recognised: for lists of tokens only.
 */
export function eachMember(bytes: Uint8Array, start: number, end: number, visit: Member): void {
  let at = start;
  for (;;) {
    let from = at;
    while (at < end && bytes[at] !== COMMA) at++;
    let to = at;
    while (from < to && isBlank(bytes[from])) from++;
    while (to > from && isBlank(bytes[to - 1])) to--;
    visit(bytes, from, to);
    if (at >= end) return;
    at++;
  }
}

/** The options of one Connection header; other names that it nominates are added to `names`, lowercase. */
export function connectionOptions(bytes: Buffer, start: number, end: number, names: Set<string>): number {
  if (isText(bytes, start, end, 'keep-alive')) return optionKeepAlive;
  if (isText(bytes, start, end, 'close')) return optionClose;
  return listedOptions(bytes, start, end, names);
}

/** Apart from the above: the closure has variables of its function, and those are allocated whenever that is called. */
function listedOptions(bytes: Buffer, start: number, end: number, names: Set<string>): number {
  let options = 0;
  eachMember(bytes, start, end, (_, from, to) => {
    if (isText(bytes, from, to, 'close')) options |= optionClose;
    else if (isText(bytes, from, to, 'keep-alive')) options |= optionKeepAlive;
    else if (isText(bytes, from, to, 'upgrade')) options |= optionUpgrade;
    else if (to > from && names.size <= nominationsMax) names.add(bytes.toString('latin1', from, to).toLowerCase());
  });
  return names.size > nominationsMax ? options | optionsBeyondLimit : options;
}
