import { dirname, join } from 'node:path';
import type { Gateway } from '../gateways.ts';
import { needPeer } from '../tools.ts';
import { configurations, gatewayPort, type StormGateway, type StormSetting } from './configurations.ts';

/** How a gateway is started. `candor` is the folder of the program. */
export function stormGateway(name: StormGateway, setting: StormSetting, candor: string): Gateway {
  const { file, text } = configurations[name];
  return { name, port: gatewayPort, files: { [file]: text(setting) }, ...commandOf(name, candor) };
}

function commandOf(name: StormGateway, candor: string): Pick<Gateway, 'command' | 'env'> {
  if (name === 'candor') {
    const env = { PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
    return { command: [join(candor, 'bin', 'candor'), 'up', '-c', 'candor.yaml'], env };
  }
  const { path, env } = needPeer(name);
  if (name === 'nginx') return { command: [path, '-p', '.', '-e', 'error.log', '-c', 'nginx.conf'], env };
  if (name === 'haproxy') return { command: [path, '-f', 'haproxy.cfg'], env };
  const words = ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'];
  return { command: [path, ...words], env: { ...env, XDG_DATA_HOME: '.' } };
}
