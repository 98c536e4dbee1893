/** Writes files in the format of MaxMind (MaxMind DB File Format 2.0), as far as countries need it. */

/** How makers write the country of a network: MaxMind and DB-IP, others, and those who write something else. */
const forms = {
  nested: (code: string) => map({ country: map({ iso_code: text(code) }) }),
  registered: (code: string) => map({ registered_country: map({ iso_code: text(code) }) }),
  flat: (code: string) => map({ country_code: text(code) }),
  bare: (code: string) => map({ country: text(code) }),
  provider: (code: string) => map({ autonomous_system_organization: text(code) }),
};

/** `countries`: networks of IPv4 and IPv6 with their codes, none within another one. */
export function mmdbOf(
  countries: Readonly<Record<string, string>>,
  { form = 'nested', type = 'Test-Country' }: { readonly form?: keyof typeof forms; readonly type?: string } = {},
): Buffer {
  const data: Buffer[] = [];
  const offsets = new Map<string, number>();
  let bytes = 0;
  const nodes: (readonly [Slot, Slot])[] = [[{ kind: 'none' }, { kind: 'none' }]];
  for (const [network, code] of Object.entries(countries)) {
    if (!offsets.has(code)) {
      const value = forms[form](code);
      offsets.set(code, bytes);
      data.push(value);
      bytes += value.length;
    }
    insert(nodes, bitsOf(network), offsets.get(code) as number);
  }
  const tree = Buffer.concat(nodes.map(([left, right]) => Buffer.concat([left, right].map(record))));
  const metadata = map({
    node_count: number(nodes.length),
    record_size: number(24),
    ip_version: number(6),
    database_type: text(type),
    binary_format_major_version: number(2),
    binary_format_minor_version: number(0),
    build_epoch: number(1_700_000_000),
    languages: Buffer.from([0x00, 0x04]),
    description: map({}),
  });
  const mark = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
  return Buffer.concat([tree, Buffer.alloc(16), ...data, mark, metadata]);

  function record(slot: Slot): Buffer {
    const value =
      slot.kind === 'none' ? nodes.length : slot.kind === 'node' ? slot.at : nodes.length + 16 + slot.offset;
    return Buffer.from([value >> 16, (value >> 8) & 255, value & 255]);
  }
}

type Slot =
  | { readonly kind: 'none' }
  | { readonly kind: 'node'; readonly at: number }
  | { readonly kind: 'data'; readonly offset: number };

function insert(nodes: (readonly [Slot, Slot])[], bits: readonly number[], offset: number): void {
  let at = 0;
  for (const [depth, bit] of bits.entries()) {
    const slots = nodes[at] as [Slot, Slot];
    const found = slots[bit] as Slot;
    if (depth === bits.length - 1) slots[bit] = { kind: 'data', offset };
    else if (found.kind === 'node') at = found.at;
    else {
      slots[bit] = { kind: 'node', at: nodes.length };
      at = nodes.length;
      nodes.push([{ kind: 'none' }, { kind: 'none' }]);
    }
  }
}

/** The bits of a network's prefix; IPv4 has 96 zeros before it. */
function bitsOf(network: string): readonly number[] {
  const [address = '', length] = network.split('/');
  const isIpv4 = !address.includes(':');
  const [head = '', tail = ''] = address.split('::');
  const [before, after] = [head, tail].map((half) => half.split(':').filter((group) => group !== ''));
  const missing = new Array<string>(8 - (before?.length ?? 0) - (after?.length ?? 0)).fill('0');
  const bits = isIpv4
    ? `${'0'.repeat(96)}${address
        .split('.')
        .map((part) => Number(part).toString(2).padStart(8, '0'))
        .join('')}`
    : [...(before ?? []), ...missing, ...(after ?? [])]
        .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0'))
        .join('');
  return [...bits.slice(0, Number(length) + (isIpv4 ? 96 : 0))].map(Number);
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([(2 << 5) | value.length]), Buffer.from(value)]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return Buffer.concat([Buffer.from([(6 << 5) | 4]), bytes]);
}

function map(entries: Readonly<Record<string, Buffer>>): Buffer {
  const parts = Object.entries(entries).flatMap(([key, value]) => {
    const name = Buffer.from(key);
    return [
      Buffer.concat([
        Buffer.from([(2 << 5) | Math.min(name.length, 29), ...(name.length > 28 ? [name.length - 29] : [])]),
        name,
      ]),
      value,
    ];
  });
  return Buffer.concat([Buffer.from([(7 << 5) | Object.keys(entries).length]), ...parts]);
}
