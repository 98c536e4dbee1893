import { createHash } from 'node:crypto';
import { headline, plainTextOf } from './alert-json.ts';
import type { AlertMessage } from './channel.ts';

/** A message in the format of RFC 5322, whose lines end with CR LF. Its body is base64: no line of it begins with a dot. */
export function mailOf(message: AlertMessage, from: string, to: readonly string[]): string {
  const { alert } = message;
  const host = from.split('@')[1] ?? 'localhost';
  const thread = messageId(alert.key, host);
  const headers = [
    `From: Candor <${from}>`,
    `To: ${to.map((address) => `<${address}>`).join(', ')}`,
    `Subject: ${encodedWords(headline(alert))}`,
    `Date: ${mailDate(alert.at)}`,
    `Message-ID: ${messageId(`${alert.id} ${alert.key}`, host)}`,
    // Mail programs show all changes of a thing together.
    `In-Reply-To: ${thread}`,
    `References: ${thread}`,
    'Auto-Submitted: auto-generated',
    ...(alert.severity === 'critical' && alert.change !== 'resolved' ? ['X-Priority: 1'] : []),
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
  ];
  return `${headers.join('\r\n')}\r\n\r\n${base64Lines(plainTextOf(message))}`;
}

function messageId(text: string, host: string): string {
  return `<${createHash('sha256').update(text).digest('hex').slice(0, 32)}@${host}>`;
}

/** 'Mon, 23 Nov 2026 21:30:00 +0000' */
function mailDate(at: number): string {
  return new Date(at).toUTCString().replace('GMT', '+0000');
}

function base64Lines(text: string): string {
  const encoded = Buffer.from(text.replace(/\r?\n/g, '\r\n')).toString('base64');
  return `${(encoded.match(/.{1,76}/g) ?? []).join('\r\n')}\r\n`;
}

/** 36 bytes are 48 characters of base64: with the name of the header, a line has less than 76 (RFC 2047 §2). */
const wordBytesMax = 36;

/** A header's text; anything but ASCII as encoded words, which are never divided within a character. */
export function encodedWords(text: string): string {
  if (/^[\x20-\x7e]{0,200}$/.test(text)) return text;
  const words: string[] = [];
  let part = '';
  for (const character of text) {
    if (Buffer.byteLength(part + character) > wordBytesMax) {
      words.push(part);
      part = '';
    }
    part += character;
  }
  words.push(part);
  return words.map((word) => `=?utf-8?B?${Buffer.from(word).toString('base64')}?=`).join('\r\n ');
}
