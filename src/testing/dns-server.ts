import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { createServer, isIPv4, type Server, type Socket as TcpSocket } from 'node:net';
import { once } from 'node:events';

/** The server's reaction to a question. */
export type DnsReply =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[]; readonly ttlS: number }
  | { readonly kind: 'rcode'; readonly rcode: keyof typeof rcodes }
  /** The question is not answered. */
  | { readonly kind: 'silence' }
  /** Bytes that begin with the id of the question, but are no DNS message. */
  | { readonly kind: 'garbage' }
  /** A truncated answer over UDP. Over TCP the server replies with `whole`. */
  | { readonly kind: 'truncated'; readonly whole: DnsReply }
  /** Each name is an alias of the next (RFC 1034 §3.6.2), and the last one has the addresses; there may be none. */
  | { readonly kind: 'aliases'; readonly names: readonly string[]; readonly aliasTtlS: number; readonly end: DnsReply }
  /** Sends `reply` for a question that was not asked: with another id, or with another name. */
  | { readonly kind: 'astray'; readonly by: 'id' | 'name'; readonly reply: DnsReply }
  /** Sends `reply` once `when` has resolved. */
  | { readonly kind: 'late'; readonly when: Promise<unknown>; readonly reply: DnsReply }
  /** Over TCP, closes the connection, or announces 65,535 bytes and sends three. Over UDP, sends nothing. */
  | { readonly kind: 'cut'; readonly how: 'closed' | 'unfinished' };

export type DnsType = 'A' | 'AAAA';

export interface DnsQuestionSeen {
  readonly name: string;
  readonly type: DnsType | 'other';
  readonly over: 'udp' | 'tcp';
}

/** RFC 1035 §4.1.1. */
const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;

export const dnsAddresses = (ttlS: number, ...addresses: readonly string[]): DnsReply => ({
  kind: 'addresses',
  addresses,
  ttlS,
});
export const dnsRcode = (rcode: keyof typeof rcodes): DnsReply => ({ kind: 'rcode', rcode });
export const dnsSilence: DnsReply = { kind: 'silence' };

/** The replies for a name without a script, and for a type that its script does not contain. */
const unknownName = dnsRcode('NXDOMAIN');
const noData = dnsRcode('NOERROR');

/**
 * A name server on a loopback port with scripted replies (RFC 1035). `on` sets the script of a name: each reply answers one
 * question, and the last one answers all further questions.
 */
export class DnsServer {
  /** The address in the form of `dns.servers`. */
  readonly address: string;
  readonly questions: DnsQuestionSeen[] = [];
  readonly #udp: Socket;
  readonly #tcp: Server;
  readonly #connections = new Set<TcpSocket>();
  #stopped = false;
  readonly #scripts = new Map<string, DnsReply[]>();

  constructor(udp: Socket, tcp: Server) {
    this.#udp = udp;
    this.#tcp = tcp;
    this.address = `127.0.0.1:${udp.address().port}`;
    udp.on('message', (bytes, from) => this.#onDatagram(bytes, from));
    tcp.on('connection', (socket) => this.#onConnection(socket));
  }

  /** Sets the script of both types. A reply with addresses answers only the type that its addresses belong to. */
  on(name: string, ...replies: readonly DnsReply[]): void {
    for (const type of ['A', 'AAAA'] as const) this.onType(name, type, ...replies.map((reply) => only(type, reply)));
  }

  onType(name: string, type: DnsType, ...replies: readonly DnsReply[]): void {
    this.#scripts.set(`${name.toLowerCase()} ${type}`, [...replies]);
  }

  countOf(name: string, type: DnsType): number {
    return this.questions.filter((question) => question.name === name && question.type === type).length;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const socket of this.#connections) socket.destroy();
    const closed = [once(this.#udp, 'close'), once(this.#tcp, 'close')];
    this.#udp.close();
    this.#tcp.close();
    await Promise.all(closed);
  }

  #onDatagram(bytes: Buffer, from: RemoteInfo): void {
    this.#answer(bytes, 'udp', (message) => {
      if (!this.#stopped) this.#udp.send(message, from.port, from.address);
    });
  }

  #onConnection(socket: TcpSocket): void {
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('error', () => socket.destroy());
    let held = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => {
      held = Buffer.concat([held, bytes]);
      // RFC 1035 §4.2.2: two bytes of length before each message.
      while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
        const end = 2 + held.readUInt16BE(0);
        const question = held.subarray(2, end);
        held = held.subarray(end);
        const cut = this.#answer(question, 'tcp', (message) => void socket.write(withLength(message)));
        if (cut === 'closed') socket.destroy();
        if (cut === 'unfinished') socket.write(Buffer.from([0xff, 0xff, 0, 0, 0]));
      }
    });
  }

  /** Sends the answer now or later, if there is one. Returns how the TCP connection breaks, or null. */
  #answer(bytes: Buffer, over: 'udp' | 'tcp', sends: (message: Buffer) => void): 'closed' | 'unfinished' | null {
    const question = readQuestion(bytes);
    if (question === null) return null;
    const { name, type } = question;
    this.questions.push({ name, type, over });
    const reply = this.#replyFor(name, type, over);
    if (reply.kind === 'late') {
      void reply.when.then(() => this.#send(reply.reply, question, over, sends));
      return null;
    }
    this.#send(reply, question, over, sends);
    const whole = reply.kind === 'truncated' && over === 'tcp' ? reply.whole : reply;
    return whole.kind === 'cut' && over === 'tcp' ? whole.how : null;
  }

  #send(reply: DnsReply, question: Question, over: 'udp' | 'tcp', sends: (message: Buffer) => void): void {
    const message = this.#encode(reply, question, over);
    if (message !== null) sends(message);
  }

  #replyFor(name: string, type: DnsType | 'other', over: 'udp' | 'tcp'): DnsReply {
    const script = this.#scripts.get(`${name} ${type}`);
    const [reply] = script ?? [];
    if (script === undefined || reply === undefined) return unknownName;
    // The second half of a truncated answer is still the same reply.
    const isOver = reply.kind !== 'truncated' || over === 'tcp';
    if (script.length > 1 && isOver) script.shift();
    return reply;
  }

  #encode(reply: DnsReply, question: Question, over: 'udp' | 'tcp'): Buffer | null {
    switch (reply.kind) {
      case 'silence':
      case 'cut':
      case 'late': // it was waited for already
        return null;
      case 'garbage':
        return Buffer.concat([idOf(question.id), Buffer.from([0x84, 0x00, 0xff, 0xff, 0xff])]);
      case 'truncated':
        return over === 'tcp' ? this.#encode(reply.whole, question, over) : encodeAnswer(question, 0, [], true);
      case 'rcode':
        return encodeAnswer(question, rcodes[reply.rcode], [], false);
      case 'addresses':
        return encodeAnswer(
          question,
          0,
          reply.addresses.map((address) => addressRecord(address, reply.ttlS)),
          false,
        );
      case 'aliases':
        return encodeAnswer(question, 0, aliasRecords(question, reply), false);
      case 'astray':
        return this.#encode(reply.reply, astray(question, reply.by), over);
    }
  }
}

/** Resolves when the server listens, over UDP and TCP, on a port that the system chose. Rejects with Node's error if it cannot. */
export async function startDnsServer(): Promise<DnsServer> {
  for (let attempt = 1; ; attempt++) {
    const udp = createSocket('udp4');
    udp.bind(0, '127.0.0.1');
    await once(udp, 'listening');
    const tcp = createServer();
    tcp.listen(udp.address().port, '127.0.0.1');
    try {
      await once(tcp, 'listening');
      return new DnsServer(udp, tcp);
    } catch (error) {
      udp.close();
      // The system chose the port for UDP; another process may have the same port for TCP.
      if (attempt === portsTriedMax) throw error;
    }
  }
}

/** A free UDP port is taken for TCP about once in some hundreds of attempts. */
const portsTriedMax = 8;

/** The reply for questions of one type. */
function only(type: DnsType, reply: DnsReply): DnsReply {
  if (reply.kind === 'truncated') return { kind: 'truncated', whole: only(type, reply.whole) };
  if (reply.kind === 'aliases') return { ...reply, end: only(type, reply.end) };
  if (reply.kind === 'astray' || reply.kind === 'late') return { ...reply, reply: only(type, reply.reply) };
  if (reply.kind !== 'addresses') return reply;
  const addresses = reply.addresses.filter((address) => isIPv4(address) === (type === 'A'));
  return addresses.length === 0 ? noData : { ...reply, addresses };
}

interface Question {
  readonly id: number;
  readonly name: string;
  readonly type: DnsType | 'other';
  /** The bytes of the question, to be repeated in the answer. */
  readonly bytes: Buffer;
}

const headerBytes = 12;

/** Null if the message is no question (RFC 1035 §4.1.2). */
function readQuestion(bytes: Buffer): Question | null {
  if (bytes.length < headerBytes || bytes.readUInt16BE(4) !== 1) return null;
  const labels: string[] = [];
  let at = headerBytes;
  for (let length = bytes[at] ?? 0; length > 0; length = bytes[at] ?? 0) {
    labels.push(bytes.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const end = at + 5;
  if (end > bytes.length) return null;
  const type = bytes.readUInt16BE(at + 1);
  return {
    id: bytes.readUInt16BE(0),
    name: labels.join('.').toLowerCase(),
    type: type === 1 ? 'A' : type === 28 ? 'AAAA' : 'other',
    bytes: bytes.subarray(headerBytes, end),
  };
}

function encodeAnswer(question: Question, rcode: number, records: readonly Buffer[], truncated: boolean): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(question.id, 0);
  // QR, RD and RA (RFC 1035 §4.1.1), and TC for a truncated answer.
  header.writeUInt16BE(0x8180 | (truncated ? 0x0200 : 0) | rcode, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, question.bytes, ...records]);
}

/** RFC 1035 §4.1.3 and RFC 3596 §2.1. Without an owner, the record is for the name of the question. */
function addressRecord(address: string, ttlS: number, owner?: string): Buffer {
  const data = isIPv4(address) ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address);
  return encodeRecord(isIPv4(address) ? 1 : 28, ttlS, data, owner);
}

/** A pointer to the name of the question (RFC 1035 §4.1.4). */
const pointer = Buffer.from([0xc0, headerBytes]);

function encodeRecord(type: number, ttlS: number, data: Buffer, owner?: string): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(ttlS, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner === undefined ? pointer : encodeName(owner), fixed, data]);
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1'));
  return Buffer.concat([...labels, Buffer.alloc(1)]);
}

function aliasRecords(
  { name }: Question,
  { names, aliasTtlS, end }: Extract<DnsReply, { kind: 'aliases' }>,
): readonly Buffer[] {
  const owners = [name, ...names];
  const aliases = names.map((to, at) => encodeRecord(5, aliasTtlS, encodeName(to), owners[at]));
  const found = end.kind === 'addresses' ? end : { addresses: [], ttlS: 0 };
  return [...aliases, ...found.addresses.map((address) => addressRecord(address, found.ttlS, owners.at(-1)))];
}

function astray(question: Question, by: 'id' | 'name'): Question {
  if (by === 'id') return { ...question, id: question.id ^ 1 };
  const bytes = Buffer.from(question.bytes);
  bytes[1] = bytes[1] === 0x7a ? 0x79 : 0x7a; // another first letter
  return { ...question, bytes };
}

/** RFC 1035 §4.2.2. */
function withLength(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail = ''] = address.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [left, right] = [groups(head), groups(tail)];
  const all = [...left, ...new Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return Buffer.from(all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]));
}

function idOf(id: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(id);
  return bytes;
}
