import { BlockList, isIP } from 'node:net';

/** Addresses asked about are remembered, since each connection asks. */
const rememberedMax = 4096;

/** Whether an address belongs to one of the CIDR blocks, which the configuration has checked. */
export function createTrust(blocks: readonly string[]): (address: string) => boolean {
  if (blocks.length === 0) return () => false;
  const list = new BlockList();
  for (const block of blocks) addBlock(list, block);
  const remembered = new Map<string, boolean>();
  return (address) => {
    const known = remembered.get(address);
    if (known !== undefined) return known;
    if (remembered.size >= rememberedMax) remembered.clear();
    const version = isIP(address);
    const trusted = version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
    remembered.set(address, trusted);
    return trusted;
  };
}

function addBlock(list: BlockList, block: string): void {
  const [address = '', prefix] = block.split('/');
  const type = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  list.addSubnet(address, prefix === undefined ? (type === 'ipv6' ? 128 : 32) : Number(prefix), type);
}
